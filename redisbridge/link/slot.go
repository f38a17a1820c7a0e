package link

import "strings"

// slots is how many there are in a cluster.
const slots = 16384

// slotOf returns the slot of a channel: of what stands between the first { and the next }, if anything does.
func slotOf(channel string) int {
	if i := strings.IndexByte(channel, '{'); i >= 0 {
		if j := strings.IndexByte(channel[i+1:], '}'); j > 0 {
			channel = channel[i+1 : i+1+j]
		}
	}
	// CRC-16/XMODEM, four bits at a time.
	table := [16]uint16{
		0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
		0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
	}
	var crc uint16
	for i := range len(channel) {
		crc = crc<<4 ^ table[crc>>12^uint16(channel[i]>>4)]
		crc = crc<<4 ^ table[crc>>12^uint16(channel[i]&15)]
	}
	return int(crc % slots)
}
