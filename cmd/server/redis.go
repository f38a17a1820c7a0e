package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// redisForms is the part of the usage text about -redis.
//
//nolint:gosec // no password but a place for one
const redisForms = `
Redis, for -redis:
  redis://user:password@host:6379/0             one server
  redis://user:password@host1:6379,host2:6379   a cluster, by some of its nodes
  redis+cluster://host:6379                     a cluster, by one address
  redis+sentinel://user:password@host1:26379,host2:26379/mymaster/0
        what Sentinel calls mymaster; the user and the password are those of Redis, those of
        Sentinel are the options sentinel_username and sentinel_password
With rediss in place of redis all connections have TLS. Options follow after a question mark, as
in redis://host:6379?dial_timeout=3s; user and password have their special characters as %XX.
`

// errNotURL says no more: whatever a parser could tell may be part of a password.
var errNotURL = errors.New("not a URL such as redis://user:password@host:6379/0, with a port of at most 65535; " +
	"special characters in user and password must be written as %XX")

// redisURL is what was given, taken apart: scheme://user@addresses/path?query.
type redisURL struct {
	secure    bool
	kind      string // "", cluster or sentinel
	user      *url.Userinfo
	addresses []string
	path      []string
	query     url.Values
}

// newRedis makes a client of a URL. Its connections are made later, and by others. Errors never hold the password.
func newRedis(text string) (redis.UniversalClient, error) {
	u, err := splitRedis(text)
	if err != nil {
		return nil, err
	}
	switch {
	case u.kind == "sentinel":
		return u.sentinel()
	case u.kind == "cluster", len(u.addresses) > 1:
		return u.cluster()
	default:
		return u.single()
	}
}

// redisAddresses says where a URL looks for Redis, without its user and password.
func redisAddresses(text string) string {
	u, err := splitRedis(text)
	if err != nil {
		return ""
	}
	return strings.Join(u.addresses, ",")
}

// noLog is for the client library, which would write to standard error past the log: what matters of it, the server logs.
type noLog struct{}

// Printf implements the library's interface.
func (noLog) Printf(context.Context, string, ...any) {}

// splitRedis takes a URL apart.
func splitRedis(text string) (*redisURL, error) {
	text = strings.TrimSpace(text) // it may come from a file
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return nil, errNotURL
	}
	u := &redisURL{}
	scheme, u.kind, _ = strings.Cut(scheme, "+")
	switch scheme {
	case "redis":
	case "rediss":
		u.secure = true
	default:
		return nil, fmt.Errorf("the scheme must be redis or rediss, with +cluster or +sentinel, and not %q", printable(scheme))
	}
	if !slices.Contains([]string{"", "cluster", "sentinel"}, u.kind) {
		return nil, fmt.Errorf("the scheme may end with +cluster or +sentinel, and not with %q", printable("+"+u.kind))
	}
	authority, tail, err := joined(strings.Split(rest, ","+text[:len(text)-len(rest)]))
	if err != nil {
		return nil, err
	}
	if err := u.readAuthority(authority); err != nil {
		return nil, err
	}
	return u, u.readTail(tail)
}

// joined makes one URL of several that were given with commas: all addresses, then what follows the last. Each may name the
// user, but no other than the first.
func joined(parts []string) (authority, tail string, err error) {
	user := ""
	addresses := make([]string, len(parts))
	for i, part := range parts {
		address := part
		if end := strings.IndexAny(part, "/?"); end >= 0 {
			address, tail = part[:end], part[end:]
		}
		if i < len(parts)-1 && strings.Trim(tail, "/") != "" {
			return "", "", errors.New("with several URLs a database and options follow the last only")
		}
		if at := strings.LastIndexByte(address, '@'); at >= 0 {
			if i > 0 && address[:at+1] != user {
				return "", "", errors.New("with several URLs all must have the user and the password of the first")
			}
			user, address = address[:at+1], address[at+1:]
		}
		addresses[i] = address
	}
	return user + strings.Join(addresses, ","), tail, nil
}

// printable keeps an error short whatever was given.
func printable(s string) string {
	if len(s) > 20 {
		return s[:20] + "…"
	}
	return s
}

func (u *redisURL) readAuthority(authority string) error {
	hosts := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		parsed, err := url.Parse("redis://" + authority[:i] + "@host")
		if err != nil || parsed.User == nil {
			return errNotURL
		}
		u.user, hosts = parsed.User, authority[i+1:]
	}
	for address := range strings.SplitSeq(hosts, ",") {
		address = strings.TrimSpace(address)
		parsed, err := url.Parse("redis://" + address)
		if err != nil || parsed.Hostname() == "" || parsed.Host != address {
			return errNotURL
		}
		port := parsed.Port()
		if port == "" {
			port = "6379"
			if u.kind == "sentinel" {
				port = "26379"
			}
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return errNotURL
		}
		u.addresses = append(u.addresses, net.JoinHostPort(parsed.Hostname(), port))
	}
	return nil
}

func (u *redisURL) readTail(tail string) error {
	path, query, _ := strings.Cut(tail, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return errNotURL
	}
	u.query = values
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		name, err := url.PathUnescape(part)
		if err != nil {
			return errNotURL
		}
		if name != "" {
			u.path = append(u.path, name)
		}
	}
	return nil
}

// build makes a URL of the form that the client library parses.
func (u *redisURL) build(path string) string {
	scheme := "redis"
	if u.secure {
		scheme = "rediss"
	}
	for _, address := range u.addresses[1:] {
		u.query.Add("addr", address)
	}
	built := url.URL{Scheme: scheme, User: u.user, Host: u.addresses[0], Path: "/" + path, RawQuery: u.query.Encode()}
	return built.String()
}

func (u *redisURL) single() (redis.UniversalClient, error) {
	o, err := redis.ParseURL(u.build(strings.Join(u.path, "/")))
	if err != nil {
		return nil, u.without(err)
	}
	return redis.NewClient(o), nil
}

func (u *redisURL) cluster() (redis.UniversalClient, error) {
	if len(u.path) > 0 && !slices.Equal(u.path, []string{"0"}) {
		return nil, errors.New("a cluster has no databases: nothing may follow its addresses")
	}
	o, err := redis.ParseClusterURL(u.build(""))
	if err != nil {
		return nil, u.without(err)
	}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12
		o.TLSConfig.ServerName = "" // each node has its own
	}
	return redis.NewClusterClient(o), nil
}

func (u *redisURL) sentinel() (redis.UniversalClient, error) {
	o, err := u.failover()
	if err != nil {
		return nil, err
	}
	return redis.NewFailoverClient(o), nil
}

func (u *redisURL) failover() (*redis.FailoverOptions, error) {
	if len(u.path) == 0 || len(u.path) > 2 {
		return nil, errors.New("with Sentinel the name of the master follows the addresses, " +
			"as in redis+sentinel://host:26379/mymaster, and then a database if it is not 0")
	}
	u.query.Set("master_name", u.path[0])
	user, password := u.query.Get("sentinel_username"), u.query.Get("sentinel_password")
	u.query.Del("sentinel_username")
	u.query.Del("sentinel_password")
	master := u.user
	u.user = nil // the library takes the user of a URL for Sentinel's
	o, err := redis.ParseFailoverURL(u.build(strings.Join(u.path[1:], "/")))
	if err != nil {
		return nil, u.without(err)
	}
	o.SentinelUsername, o.SentinelPassword = user, password
	if master != nil {
		o.Username = master.Username()
		o.Password, _ = master.Password()
	}
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // each node has its own
	}
	return o, nil
}

// without makes sure that an error of the client library tells nothing that it should not.
func (u *redisURL) without(err error) error {
	if _, malformed := errors.AsType[*url.Error](err); malformed {
		return errNotURL
	}
	text := strings.TrimPrefix(err.Error(), "redis: ")
	secrets := []string{u.query.Get("password"), u.query.Get("sentinel_password")}
	if u.user != nil {
		password, _ := u.user.Password()
		secrets = append(secrets, password)
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			return errNotURL
		}
	}
	return errors.New(text)
}
