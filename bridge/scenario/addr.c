/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * addr.c - IP addresses with prefix lengths, and MACs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"

static unsigned int addr_bits(const struct scenario_addr *addr)
{
	return addr->family == AF_INET ? 32 : 128;
}

int scn_addr_parse(const char *text, struct scenario_addr *ret)
{
	const char *slash = strchr(text, '/'), *digit;
	struct scenario_addr addr = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	char host[INET6_ADDRSTRLEN];
	unsigned int prefix = 0;

	if (!slash || (size_t)(slash - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (inet_pton(addr.family, host, addr.bytes) != 1)
		return -EINVAL;
	digit = slash + 1;
	if (!*digit || (*digit == '0' && digit[1]))
		return -EINVAL;
	for (; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return -EINVAL;
		prefix = prefix * 10 + (unsigned int)(*digit - '0');
		if (prefix > addr_bits(&addr))
			return -EINVAL;
	}
	addr.prefix_len = (uint8_t)prefix;
	*ret = addr;
	return 0;
}

void scn_addr_print(const struct scenario_addr *addr, char *buf)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(addr->family, addr->bytes, host, sizeof(host));
	snprintf(buf, SCN_ADDR_TEXT_SIZE, "%s/%u", host, addr->prefix_len);
}

/* Mask of the host bits within byte @byte of the address. */
static uint8_t host_mask(const struct scenario_addr *addr, unsigned int byte)
{
	if (addr->prefix_len >= (byte + 1) * 8)
		return 0;
	if (addr->prefix_len <= byte * 8)
		return 0xff;
	return (uint8_t)(0xff >> (addr->prefix_len - byte * 8));
}

bool scn_addr_host_is(const struct scenario_addr *addr, bool bit)
{
	for (unsigned int i = 0; i < addr_bits(addr) / 8; i++) {
		uint8_t mask = host_mask(addr, i);

		if ((addr->bytes[i] & mask) != (bit ? mask : 0))
			return false;
	}
	return true;
}

void scn_addr_clear_host(struct scenario_addr *addr)
{
	for (unsigned int i = 0; i < addr_bits(addr) / 8; i++)
		addr->bytes[i] &= (uint8_t)~host_mask(addr, i);
}

int scn_addr_host_parse(const char *text, struct scenario_addr *ret)
{
	char full[SCN_ADDR_TEXT_SIZE];
	int len = snprintf(full, sizeof(full), "%s/%u", text, strchr(text, ':') ? 128u : 32u);

	if (len >= (int)sizeof(full) || strchr(text, '/'))
		return -EINVAL;
	return scn_addr_parse(full, ret);
}

bool scn_addr_has(const struct scenario_addr *in, const struct scenario_addr *addr)
{
	if (in->family != addr->family)
		return false;
	for (unsigned int i = 0; i < addr_bits(in) / 8; i++)
		if ((in->bytes[i] ^ addr->bytes[i]) & (uint8_t)~host_mask(in, i))
			return false;
	return true;
}

const char *scn_addr_unusable(const struct scenario_addr *addr)
{
	static const uint8_t zero[16], loopback6[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *b = addr->bytes;

	if (addr->family == AF_INET) {
		if (b[0] == 0)
			return "unspecified";
		if (b[0] == 127)
			return "loopback";
		if (b[0] >= 240)
			return "reserved";
		return b[0] >= 224 ? "multicast" : NULL;
	}
	if (!memcmp(b, zero, sizeof(zero)))
		return "unspecified";
	if (!memcmp(b, loopback6, sizeof(loopback6)))
		return "loopback";
	if (!memcmp(b, mapped, sizeof(mapped)))
		return "an IPv4 address in IPv6 form";
	return b[0] == 0xff ? "multicast" : NULL;
}

bool scn_addr_number(const struct scenario_addr *subnet, uint32_t number, struct scenario_addr *ret)
{
	unsigned int host_bits = addr_bits(subnet) - subnet->prefix_len;
	/* the highest IPv4 address of a subnet is its broadcast address */
	uint32_t top = host_bits >= 32 ? UINT32_MAX : (UINT32_C(1) << host_bits) - 1;

	if (number > top || (subnet->family == AF_INET && number == top))
		return false;
	*ret = *subnet;
	for (unsigned int i = addr_bits(subnet) / 8; number; number >>= 8)
		ret->bytes[--i] |= (uint8_t)number;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int scn_mac_parse(const char *text, uint8_t *ret_mac)
{
	uint8_t mac[6];

	if (strlen(text) != 17)
		return -EINVAL;
	for (unsigned int i = 0; i < 6; i++) {
		int high = hex_digit(text[i * 3]), low = hex_digit(text[i * 3 + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != ':'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret_mac, mac, sizeof(mac));
	return 0;
}
