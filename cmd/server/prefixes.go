package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// prefixes are networks, and addresses that stand for themselves.
type prefixes struct{ target *[]netip.Prefix }

// Set parses the list.
func (p *prefixes) Set(s string) error {
	var texts list
	_ = texts.Set(s)
	all := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if address, ok := netip.ParseAddr(text); ok == nil {
			prefix, err = address.Unmap().Prefix(address.Unmap().BitLen())
		}
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		all = append(all, prefix.Masked())
	}
	*p.target = all
	return nil
}

// String joins them.
func (p *prefixes) String() string {
	if p.target == nil {
		return ""
	}
	texts := make([]string, len(*p.target))
	for i, prefix := range *p.target {
		texts[i] = prefix.String()
	}
	return strings.Join(texts, ",")
}
