# as ns-2's setdest writes it: metres, seconds, metres per second
$node_(0) set X_ 0.0
$node_(0) set Y_ 0.0
$node_(0) set Z_ 0.0
$node_(3) set X_ 10.0
$node_(3) set Y_ 0.0
$node_(3) set Z_ 0.0
$ns_ at 1.1 "$node_(3) setdest 100.0 0.0 100.0"
$ns_ at 3.5 "$node_(3) setdest 10.0 0.0 100.0"
