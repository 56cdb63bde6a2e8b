package guard

import (
	"fmt"
	"net/netip"
	"strings"
)

// Networks are private networks in which the operator lets hosts stand.
type Networks []netip.Prefix

// UnmarshalText implements encoding.TextUnmarshaler. It adds what is listed,
// separated by commas: networks, and addresses, each a network of one machine.
func (n *Networks) UnmarshalText(text []byte) error {
	for item := range strings.SplitSeq(string(text), ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		network, err := netip.ParsePrefix(item)
		if ip, alone := netip.ParseAddr(item); alone == nil {
			network, err = ip.WithZone("").Prefix(ip.BitLen())
		}
		if err != nil {
			return fmt.Errorf("%q is no network; write it like 10.1.0.0/16", item)
		}
		*n = append(*n, network)
	}
	return nil
}
