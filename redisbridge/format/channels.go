package format

import "strings"

// defaultPrefix is what official packages use unless told otherwise.
const defaultPrefix = "socket.io"

// names makes and takes apart the names of channels. All end with '#'.
type names struct {
	room     string // P#, then the namespace, '#', and for a room its name and '#'
	request  string // P-request#
	response string // P-response#
	private  string // P-actio#
	members  string // P-actio-members#
	uid      string
}

func newNames(c Config) names {
	prefix := c.Prefix
	if prefix == "" {
		prefix = defaultPrefix
	}
	return names{
		room: prefix + "#", request: prefix + "-request#", response: prefix + "-response#",
		private: prefix + "-actio#", members: prefix + "-actio-members#", uid: c.UID,
	}
}

// ofNamespace is the general channel of a namespace.
func (n *names) ofNamespace(namespace string) string { return n.room + namespace + "#" }

// ofRoom is that of a room, or of an instance.
func (n *names) ofRoom(namespace, room string) string { return n.room + namespace + "#" + room + "#" }

// split takes namespace and room of a channel apart. A name with more separators than that is ambiguous.
func (n *names) split(channel string) (namespace, room string, ok bool) {
	rest, ours := strings.CutPrefix(channel, n.room)
	rest, ends := strings.CutSuffix(rest, "#")
	if !ours || !ends {
		return "", "", false
	}
	namespace, room, ok = strings.Cut(rest, "#")
	return namespace, room, ok && room != "" && !strings.Contains(room, "#")
}

// isOwn tells whether a sender is this instance.
func (n *names) isOwn(sender []byte) bool { return len(sender) > 0 && string(sender) == n.uid }

// namespaceOf returns the namespace of a channel that begins with prefix and has no room.
func namespaceOf(channel, prefix string) string {
	return strings.TrimSuffix(strings.TrimPrefix(channel, prefix), "#")
}

// escape makes a pattern that matches the text alone.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}
