/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * figure.c - see figure.h.
 */
#include "bridge/experiment/figure.h"

#include <math.h>
#include <string.h>

#define WIDTH        900
#define LEFT         70.0
#define RIGHT        868.0
#define TOP          62.0
#define BOTTOM       292.0
#define STRIP_TOP    316.0
#define STRIP_BOTTOM 352.0
#define HEIGHT       392
#define NAME_SHOWN   60 /* characters of the experiment's name */
#define MARKS_MAX    200
#define TICKS_MAX    12
#define FLOOR_US     1.0 /* the scale begins here; what is less is drawn at it */
#define TICK_S_MIN   0.1

struct scale {
	double end_s;
	double top_us; /* a power of ten */
};

static const char style[] =
	"svg{font-family:Helvetica,Arial,sans-serif;font-size:12px}\n"
	".bg{fill:#fff}.text{fill:#24292f}.dim{fill:#57606a}.grid{stroke:#d8dee4}.axis{stroke:#57606a}\n"
	".bad{fill:#cf222e;fill-opacity:.16}.budget{stroke:#cf222e;stroke-dasharray:6 4}.budget-text{fill:#cf222e}\n"
	".out{stroke:#0969da;fill:none}.in{stroke:#9a6700;fill:none}.max{stroke-opacity:.35}.out-text{fill:#0969da}\n"
	".in-text{fill:#9a6700}.host{fill:#8250df;fill-opacity:.55}.steal{fill:#cf222e}.mark{stroke:#1a7f37}"
	".mark-text{fill:#1a7f37}\n"
	"@media (prefers-color-scheme:dark){.bg{fill:#0d1117}.text{fill:#e6edf3}.dim{fill:#9198a1}.grid{stroke:#30363d}"
	".axis{stroke:#9198a1}.bad{fill:#f85149;fill-opacity:.25}.budget{stroke:#f85149}.budget-text{fill:#f85149}"
	".out{stroke:#58a6ff}.out-text{fill:#58a6ff}.in{stroke:#d29922}.in-text{fill:#d29922}.host{fill:#a371f7}"
	".steal{fill:#f85149}.mark{stroke:#3fb950}.mark-text{fill:#3fb950}}\n";

void figure_text(FILE *stream, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", stream);
			break;
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		default:
			fputc((unsigned char)*text < ' ' && *text != '\n' ? ' ' : *text, stream);
		}
	}
}

static double x_of(const struct scale *scale, double s)
{
	double share = s / scale->end_s;

	return LEFT + (RIGHT - LEFT) * (share < 0 ? 0 : share > 1 ? 1 : share);
}

static double y_of(const struct scale *scale, double us)
{
	double share = us <= FLOOR_US ? 0 : log10(us / FLOOR_US) / log10(scale->top_us / FLOOR_US);

	return BOTTOM - (BOTTOM - TOP) * (share > 1 ? 1 : share);
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static struct scale choose_scale(const struct timeline *timeline, double budget_us)
{
	struct scale scale = {.end_s = 0.1, .top_us = 10};
	double worst_us = budget_us * 2;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_bin *bin = &timeline->bins[i];

		worst_us = fmax(worst_us, fmax((double)bin->late_max_ns, (double)bin->ingress_max_ns) / 1e3);
		scale.end_s = fmax(scale.end_s, seconds(bin->end_ns));
	}
	while (scale.top_us < worst_us && scale.top_us < 1e12)
		scale.top_us *= 10;
	return scale;
}

/* 1, 2 or 5 times a power of ten seconds, or minutes, so that there are at most TICKS_MAX. */
static double choose_tick(double end_s)
{
	static const double steps[] = {0.1, 0.2, 0.5, 1,   2,    5,    10,   20,    30,    60,
				       120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400};
	size_t i = 0;

	while (i + 1 < sizeof(steps) / sizeof(steps[0]) && end_s / steps[i] > TICKS_MAX)
		i++;
	return fmax(steps[i], ceil(end_s / TICKS_MAX / 86400) * (end_s / TICKS_MAX > 86400 ? 86400 : TICK_S_MIN));
}

static void draw_axes(const struct scale *scale, FILE *stream)
{
	static const char *const names[] = {"1 µs", "10 µs", "100 µs", "1 ms",  "10 ms", "100 ms", "1 s",
					    "10 s", "100 s", "1000 s", "10⁴ s", "10⁵ s", "10⁶ s"};
	double tick = choose_tick(scale->end_s);
	size_t decade = 0;

	for (double us = FLOOR_US; us <= scale->top_us * 1.01 && decade < sizeof(names) / sizeof(names[0]);
	     us *= 10, decade++) {
		double y = y_of(scale, us);

		fprintf(stream,
			"<line class=\"grid\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text class=\"dim\" x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			LEFT, RIGHT, y, y, LEFT - 8, y + 4, names[decade]);
	}
	for (double s = 0; s <= scale->end_s * 1.0001; s += tick) {
		double x = x_of(scale, s);

		fprintf(stream,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%g\" y2=\"%g\"/>"
			"<text class=\"dim\" x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">",
			x, x, TOP, STRIP_BOTTOM, x, STRIP_BOTTOM + 16);
		if (tick >= 60)
			fprintf(stream, "%.0f min</text>\n", s / 60);
		else
			fprintf(stream, "%g s</text>\n", round(s * 10) / 10);
	}
	fprintf(stream, "<line class=\"axis\" x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%g\"/>\n", LEFT, RIGHT, BOTTOM,
		BOTTOM);
	fprintf(stream, "<line class=\"axis\" x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%g\"/>\n", LEFT, RIGHT, STRIP_BOTTOM,
		STRIP_BOTTOM);
}

/* Neighbours that were degraded are one area. */
static void draw_broken(const struct timeline *timeline, const struct scale *scale, FILE *stream)
{
	for (size_t i = 0, end; i < timeline->count; i = end) {
		end = i + 1;
		if (!timeline->bins[i].is_degraded)
			continue;
		while (end < timeline->count && timeline->bins[end].is_degraded)
			end++;
		double x = x_of(scale, seconds(timeline->bins[i].start_ns));

		fprintf(stream, "<rect class=\"bad\" x=\"%.1f\" y=\"%g\" width=\"%.1f\" height=\"%g\"/>\n", x, TOP,
			fmax(1, x_of(scale, seconds(timeline->bins[end - 1].end_ns)) - x), STRIP_BOTTOM - TOP);
	}
}

/* One figure of the bins as a line with a step for each; where there were no frames it is interrupted. */
static void draw_series(const struct timeline *timeline, const struct scale *scale, size_t offset, const char *look,
			FILE *stream)
{
	bool down = false;

	fprintf(stream, "<path class=\"%s\" d=\"", look);
	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_bin *bin = &timeline->bins[i];
		uint64_t ns;
		double y;

		memcpy(&ns, (const char *)bin + offset, sizeof(ns));
		if (ns == 0) {
			down = false;
			continue;
		}
		y = y_of(scale, (double)ns / 1e3);
		fprintf(stream, "%s%.1f %.1fH%.1f", down ? "L" : "M", x_of(scale, seconds(bin->start_ns)), y,
			x_of(scale, seconds(bin->end_ns)));
		down = true;
	}
	fputs("\"/>\n", stream);
}

static void draw_changes(json_t *report, const struct scale *scale, FILE *stream)
{
	json_t *changes = json_object_get(report, "changes"), *change;
	double last = -1;
	size_t i;

	json_array_foreach(changes, i, change)
	{
		double x = x_of(scale, json_number_value(json_object_get(change, "at_s")));
		const char *key = json_string_value(json_object_get(change, "key"));
		const char *link = json_string_value(json_object_get(change, "link"));
		const char *value = json_string_value(json_object_get(change, "value"));

		if (i >= MARKS_MAX)
			break;
		if (x - last < 1) /* one mark for what cannot be told apart */
			continue;
		last = x;
		fprintf(stream, "<g><title>");
		figure_text(stream, link ? link : "");
		fputs(" ", stream);
		figure_text(stream, key ? key : "");
		fputs(": ", stream);
		figure_text(stream, value ? value : "");
		fprintf(stream,
			"</title><line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%g\" y2=\"%g\" "
			"stroke-dasharray=\"2 3\"/><path class=\"mark-text\" d=\"M%.1f %gl-4 -6h8z\"/></g>\n",
			x, x, TOP, STRIP_BOTTOM, x, TOP);
	}
}

static void draw_host(const struct timeline *timeline, const struct scale *scale, FILE *stream)
{
	bool any = false;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_bin *bin = &timeline->bins[i];
		const double pct[] = {bin->pressure_pct, bin->steal_pct};
		double x = x_of(scale, seconds(bin->start_ns)), width = x_of(scale, seconds(bin->end_ns)) - x;

		any |= bin->pressure_pct >= 0;
		for (int j = 0; j < 2; j++) {
			double height = (STRIP_BOTTOM - STRIP_TOP) * fmin(fmax(pct[j], 0), 100) / 100;

			if (height >= 0.3)
				fprintf(stream,
					"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>\n",
					j ? "steal" : "host", x, STRIP_BOTTOM - height, fmax(width, 0.4), height);
		}
	}
	fprintf(stream,
		"<text class=\"dim\" x=\"%g\" y=\"%g\" text-anchor=\"end\">100 %%</text>"
		"<text class=\"dim\" x=\"%g\" y=\"%g\" font-size=\"11\">%s</text>\n",
		LEFT - 8, STRIP_TOP + 5, LEFT, STRIP_TOP - 5,
		any ? "CPU: some process waited (violet); taken by the hypervisor (red)"
		    : "CPU taken by the hypervisor (red); this kernel does not say how long processes waited");
}

static void draw_head(json_t *report, double budget_us, double quantile, FILE *stream)
{
	json_t *fidelity = json_object_get(report, "fidelity");
	const char *name = json_string_value(json_object_get(report, "name"));
	const char *verdict = json_string_value(json_object_get(fidelity, "verdict"));
	char shown[NAME_SHOWN + 8];

	name = name ? name : "";
	snprintf(shown, sizeof(shown), "%.*s%s", NAME_SHOWN, name, strlen(name) > NAME_SHOWN ? "…" : "");
	fprintf(stream, "<text class=\"text\" x=\"%g\" y=\"20\" font-size=\"15\" font-weight=\"bold\">", LEFT);
	figure_text(stream, shown);
	fprintf(stream, ": lateness, %s</text>\n", verdict ? verdict : "?");
	fprintf(stream,
		"<text x=\"%g\" y=\"42\" xml:space=\"preserve\"><tspan class=\"out-text\">delivery</tspan><tspan "
		"class=\"dim\"> and "
		"</tspan><tspan class=\"in-text\">injection</tspan><tspan class=\"dim\">: %g %% of the frames not "
		"later; "
		"pale: the latest.</tspan><tspan class=\"budget-text\"> Budget %g µs, shaded where broken.</tspan>"
		"<tspan class=\"mark-text\">%s</tspan></text>\n",
		LEFT, 100 * quantile, budget_us,
		json_array_size(json_object_get(report, "changes")) ? " ▾ change of a link" : "");
}

void figure_draw(const struct timeline *timeline, json_t *report, FILE *stream)
{
	json_t *fidelity = json_object_get(report, "fidelity");
	double budget_us = json_number_value(json_object_get(fidelity, "budget_us"));
	double quantile = json_number_value(json_object_get(fidelity, "quantile")), y;
	struct scale scale = choose_scale(timeline, budget_us);

	fprintf(stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		"role=\"img\">\n"
		"<style>\n%s</style>\n<rect class=\"bg\" width=\"%d\" height=\"%d\"/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT, style, WIDTH, HEIGHT);
	draw_head(report, budget_us, quantile, stream);
	if (timeline->count == 0) {
		fprintf(stream,
			"<text class=\"dim\" x=\"%d\" y=\"%g\" text-anchor=\"middle\">The run was over before anything "
			"was measured.</text>\n</svg>\n",
			WIDTH / 2, (TOP + BOTTOM) / 2);
		return;
	}
	draw_axes(&scale, stream);
	draw_broken(timeline, &scale, stream);
	draw_series(timeline, &scale, offsetof(struct timeline_bin, ingress_max_ns), "in max", stream);
	draw_series(timeline, &scale, offsetof(struct timeline_bin, late_max_ns), "out max", stream);
	draw_series(timeline, &scale, offsetof(struct timeline_bin, ingress_ns), "in", stream);
	draw_series(timeline, &scale, offsetof(struct timeline_bin, late_ns), "out", stream);
	y = y_of(&scale, budget_us);
	fprintf(stream, "<line class=\"budget\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT, RIGHT, y, y);
	draw_changes(report, &scale, stream);
	draw_host(timeline, &scale, stream);
	fputs("</svg>\n", stream);
}
