/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload_recipe.c - crafted packets: built and finished without the code under test.
 */
#include "tests/unit/check_offload.h"

const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
uint64_t random_state = 88172645463325252u;

uint32_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

uint32_t below(uint32_t limit)
{
	return draw() % limit;
}

bool one_in(uint32_t count)
{
	return below(count) == 0;
}

/* Plain RFC 1071, not the code under test. */
uint32_t add_bytes(const uint8_t *bytes, uint32_t size, uint32_t sum)
{
	for (uint32_t i = 0; i < size; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint32_t pseudo_sum(const uint8_t *frame, const struct headers *at, uint32_t size)
{
	uint8_t tail[8] = {0, 0, (uint8_t)(size >> 8), (uint8_t)size, 0, 0, 0, at->protocol};
	uint32_t sum = add_bytes(frame + at->network + (at->ipv6 ? 8 : 12), at->ipv6 ? 32 : 8, 0);

	return add_bytes(tail, 8, sum);
}

uint32_t checksum_offset(const struct headers *at)
{
	return at->protocol == IPPROTO_TCP ? 16 : 6;
}

void finish_ip(uint8_t *frame, const struct headers *at)
{
	if (at->ipv6)
		return;
	headers_put16(frame + at->network + 10, 0);
	headers_put16(frame + at->network + 10,
		      (uint16_t)~add_bytes(frame + at->network, at->transport - at->network, 0));
}

/* Complete the transport's checksum. */
void finish_transport(uint8_t *frame, uint32_t len, const struct headers *at)
{
	uint8_t *field = frame + at->transport + checksum_offset(at);
	uint32_t size = len - at->transport, sum;

	headers_put16(field, 0);
	sum = add_bytes(frame + at->transport, size, pseudo_sum(frame, at, size));
	headers_put16(field, sum == 0xffff && at->protocol == IPPROTO_UDP ? 0xffff : (uint16_t)~sum);
}

static void fill(uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)draw();
}

/* Network header with what follows it; @ip_size bytes in all. Return: offset of the transport header. */
static uint32_t build_network(const struct recipe *recipe, uint8_t *frame, uint32_t network, uint32_t ip_size)
{
	const uint8_t protocol = recipe->udp ? IPPROTO_UDP : IPPROTO_TCP;
	static const struct {
		uint32_t bit;
		uint8_t type;
	} extensions[] = {
		{EXT_HOP, IPPROTO_HOPOPTS}, {EXT_DESTINATION, IPPROTO_DSTOPTS}, {EXT_ROUTING, IPPROTO_ROUTING}};
	uint8_t *ip = frame + network, *next = ip + 6;
	uint32_t offset = network + 40;

	if (!recipe->ipv6) {
		memset(ip, 0, 20);
		ip[0] = (uint8_t)(0x40 | (20 + recipe->ip_options) / 4);
		ip[1] = recipe->tos;
		headers_put16(ip + 2, (uint16_t)ip_size);
		headers_put16(ip + 4, recipe->id);
		headers_put16(ip + 6, recipe->df ? 0x4000 : 0);
		ip[8] = recipe->ttl;
		ip[9] = protocol;
		headers_put32(ip + 12, 0x0a000001);
		headers_put32(ip + 16, 0x0a000002);
		memset(ip + 20, 1, recipe->ip_options); /* no operation */
		return network + 20 + recipe->ip_options;
	}
	headers_put32(ip, 0x60000000 | (uint32_t)recipe->tos << 20 | (recipe->flow & 0xfffff));
	headers_put16(ip + 4, (uint16_t)(ip_size - 40));
	ip[7] = recipe->ttl;
	memset(ip + 8, 0, 32);
	ip[8] = ip[24] = 0xfd;
	ip[23] = 1;
	ip[39] = 2;
	for (uint32_t i = 0; i < 3; i++) {
		if (!(recipe->extensions & extensions[i].bit))
			continue;
		*next = extensions[i].type;
		next = frame + offset;
		memset(next, 0, recipe->extension_size); /* all Pad1, or a routing header of type 0 that is used up */
		next[1] = (uint8_t)(recipe->extension_size / 8 - 1);
		offset += recipe->extension_size;
	}
	*next = protocol;
	return offset;
}

/* Make the frame, its transport checksum as in a virtio super-frame: only the pseudo header's sum. Return: bytes. */
uint32_t build(const struct recipe *recipe, uint8_t *frame, struct virtio_net_hdr *header, struct headers *at)
{
	uint32_t network = 14 + 4 * recipe->tags, extensions = 0, network_size, transport_size;
	uint8_t *transport;

	memcpy(frame, macs, sizeof(macs));
	for (uint32_t tag = 0; tag < recipe->tags; tag++) {
		headers_put16(frame + 12 + 4 * tag, tag + 1 < recipe->tags ? 0x88a8 : 0x8100);
		headers_put16(frame + 14 + 4 * tag, (uint16_t)(0x6064 + tag));
	}
	headers_put16(frame + network - 2, recipe->ipv6 ? 0x86dd : 0x0800);
	for (uint32_t bit = 1; recipe->ipv6 && bit <= EXT_ROUTING; bit *= 2)
		extensions += recipe->extensions & bit ? recipe->extension_size : 0;
	network_size = recipe->ipv6 ? 40 + extensions : 20 + recipe->ip_options;
	transport_size = (recipe->udp ? 8 : 20 + recipe->tcp_options) + recipe->payload;

	*at = (struct headers){
		.network = network,
		.transport = build_network(recipe, frame, network, network_size + transport_size),
		.payload = network + network_size + transport_size - recipe->payload,
		.end = network + network_size + transport_size,
		.protocol = recipe->udp ? IPPROTO_UDP : IPPROTO_TCP,
		.ipv6 = recipe->ipv6,
	};
	transport = frame + at->transport;
	headers_put16(transport, recipe->port);
	headers_put16(transport + 2, 5001);
	if (recipe->udp) {
		headers_put16(transport + 4, (uint16_t)transport_size);
	} else {
		headers_put32(transport + 4, recipe->seq);
		headers_put32(transport + 8, recipe->ack);
		transport[12] = (uint8_t)((20 + recipe->tcp_options) / 4 << 4);
		transport[13] = recipe->flags;
		headers_put16(transport + 14, recipe->window);
		headers_put16(transport + 18, recipe->flags & URG ? 17 : 0);
		memset(transport + 20, recipe->stamp, recipe->tcp_options);
	}
	fill(frame + at->payload, recipe->payload);
	finish_ip(frame, at);
	headers_put16(transport + checksum_offset(at),
		      (uint16_t)add_bytes(macs, recipe->elsewhere ? 4 : 0, pseudo_sum(frame, at, transport_size)));

	memset(header, 0, sizeof(*header));
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = (uint16_t)at->transport;
	header->csum_offset = (uint16_t)checksum_offset(at);
	header->hdr_len = (uint16_t)at->payload;
	header->gso_size = (uint16_t)recipe->gso_size;
	if (recipe->gso_size == 0)
		return at->end;
	header->gso_type = recipe->udp    ? VIRTIO_NET_HDR_GSO_UDP_L4
			   : recipe->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6
					  : VIRTIO_NET_HDR_GSO_TCPV4;
	if (recipe->flags & CWR && !recipe->udp)
		header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	return at->end;
}

struct recipe plain_recipe(void)
{
	return (struct recipe){.payload = 5000,
			       .gso_size = 1448,
			       .seq = 0xffffff00,
			       .ack = 7,
			       .window = 512,
			       .port = 40000,
			       .id = 0xfffe,
			       .df = true,
			       .flags = ACK,
			       .ttl = 64,
			       .extension_size = 8,
			       .stamp = 1};
}

struct recipe random_recipe(void)
{
	struct recipe recipe = plain_recipe();

	recipe.ipv6 = draw() & 1;
	recipe.udp = one_in(3);
	recipe.df = draw() & 1;
	recipe.elsewhere = one_in(8);
	recipe.tags = one_in(3) ? below(3) : 0;
	recipe.ip_options = one_in(3) ? below(11) * 4 : 0;
	recipe.extensions = one_in(3) ? below(8) : 0;
	recipe.extension_size = 8 + below(8) * 8;
	recipe.tcp_options = below(11) * 4;
	recipe.gso_size = one_in(3) ? 1 + below(100) : one_in(4) ? 1 + below(9000) : 1 + below(1448);
	/* Sometimes exact multiples. */
	recipe.payload = 1 + recipe.gso_size * (1 + below(40)) + (one_in(2) ? below(recipe.gso_size) : 0);
	if (one_in(3))
		recipe.payload += recipe.gso_size - 1;
	if (recipe.payload > 65000)
		recipe.payload = 65000;
	recipe.seq = draw();
	recipe.ack = draw();
	recipe.flow = draw();
	recipe.id = (uint16_t)(one_in(2) ? 0xfff0 + below(16) : draw());
	recipe.window = (uint16_t)draw();
	recipe.port = (uint16_t)draw();
	recipe.flags = (uint8_t)draw();
	recipe.tos = (uint8_t)draw();
	recipe.ttl = (uint8_t)draw();
	recipe.stamp = (uint8_t)draw();
	return recipe;
}

/* The same bytes where any step outside is seen by AddressSanitizer. */
uint8_t *exact_copy(const uint8_t *bytes, uint32_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	return copy;
}
