package transport

import (
	"net/url"
	"strings"
)

// queryValue finds the first value of key in a query, without parsing the rest of it. Malformed parts are skipped as
// net/url does.
func queryValue(query, key string) string {
	for query != "" {
		var part string
		part, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(part, "=")
		if strings.Contains(part, ";") {
			continue
		}
		name, err := unescape(name)
		if err != nil || name != key {
			continue
		}
		if value, err = unescape(value); err == nil {
			return value
		}
	}
	return ""
}

func unescape(s string) (string, error) {
	if !strings.ContainsAny(s, "%+") {
		return s, nil
	}
	return url.QueryUnescape(s)
}
