package format_test

import (
	"time"

	"github.com/actio-go/actio/redisbridge/format"
)

// expectation is what the messages of a step say; ids of sockets are SID, those of requests REQ, the two servers A and B.
func expectation(c *capture) map[string][]plain {
	switch c.name {
	case "emitter":
		return emitterExpectation()
	case "classic", "classic-specific":
		return classicExpectation()
	default:
		return shardedExpectation()
	}
}

func broadcast(event string) plain { return plain{Kind: format.Broadcast, Event: event} }

func asks(event string, timeout time.Duration) plain {
	return plain{Kind: format.AckBroadcast, Event: event, Request: "REQ", Flags: format.Flags{Timeout: timeout}}
}

func to(p plain, rooms ...string) plain {
	p.Target.Rooms = rooms
	return p
}

func except(p plain, rooms ...string) plain {
	p.Target.Except = rooms
	return p
}

func in(p plain, namespace string) plain {
	p.Namespace = namespace
	return p
}

func volatile(p plain) plain {
	p.Flags.Volatile = true
	return p
}

// answers are what the other server answers. The classic adapter does not say who that is.
type answers struct{ sender string }

func (a answers) answer(p plain) plain {
	p.Request, p.Sender = "REQ", a.sender
	return p
}

func (a answers) count() plain           { return a.answer(plain{Kind: format.ClientCount, Count: 1}) }
func (a answers) ack(event string) plain { return a.answer(plain{Kind: format.Ack, Event: event}) }
func (a answers) pong() plain {
	return a.answer(plain{Kind: format.ServerReply, Event: `["pong"]`})
}

func (a answers) fetched() plain {
	return a.answer(plain{Kind: format.Fetched, Sockets: []plainSocket{{ID: "SID", Rooms: []string{"SID", "rB"}, Data: "{}"}}})
}

func emitterExpectation() map[string][]plain {
	join := plain{Kind: format.Join, Rooms: []string{"room1"}}
	leave := plain{Kind: format.Leave, Rooms: []string{"a", "b"}}
	return map[string][]plain{
		"emit('hello','world',1)":                    {broadcast(`["hello","world",1]`)},
		"to('room1').emit('hello', Buffer 01 02 03)": {to(broadcast(`["hello",<010203>]`), "room1")},
		"to(['r1','r2']).except('r3').volatile.compress(false).emit('e', {a:null})": {
			volatile(to(except(broadcast(`["e",{"a":null}]`), "r3"), "r1", "r2")),
		},
		"of('/custom').emit('hi')":                         {in(broadcast(`["hi"]`), "/custom")},
		"of('custom').to('x').emit('hi')":                  {in(to(broadcast(`["hi"]`), "x"), "/custom")},
		"socketsJoin('room1')":                             {join},
		"in('room1').except('r9').socketsLeave(['a','b'])": {to(except(leave, "r9"), "room1")},
		"in('room1').disconnectSockets(true)":              {to(plain{Kind: format.Disconnect, Close: true}, "room1")},
		"disconnectSockets()":                              {{Kind: format.Disconnect}},
		"serverSideEmit('hello','world',1)":                {{Kind: format.ServerEvent, Event: `["hello","world",1]`}},
		"new Emitter(c,{key:'k'},'/n').emit('x')":          {in(broadcast(`["x"]`), "/n")},
	}
}

func classicExpectation() map[string][]plain {
	b := answers{}
	fetch := plain{Kind: format.Fetch, Request: "REQ"}
	serverEvent := plain{Kind: format.ServerEvent, Event: `["sse"]`, Request: "REQ"}
	return map[string][]plain{
		"io.emit('hello','world')":               {broadcast(`["hello","world"]`)},
		"io.to('rB').emit('hello', Buffer[1,2])": {to(broadcast(`["hello",<0102>]`), "rB")},
		"socket.broadcast.volatile.emit('v')":    {volatile(except(broadcast(`["v"]`), "SID"))},
		"socket.broadcast.to(['rA','rB']).compress(false).emit('v',null,undefined,1.5)": {
			to(except(broadcast(`["v",null,null,1.5]`), "SID"), "rA", "rB"),
		},
		"io.timeout(300).emit('q',cb)":            {asks(`["q"]`, 300*time.Millisecond), b.count(), b.ack(`["a1"]`)},
		"io.timeout(300).emit('qb',cb)":           {asks(`["qb"]`, 300*time.Millisecond), b.count(), b.ack(`[<0908>]`)},
		"io.fetchSockets()":                       {fetch, b.fetched()},
		"io.in('rB').except('zz').fetchSockets()": {to(except(fetch, "zz"), "rB"), b.fetched()},
		"adapter.allRooms()": {
			{Kind: format.ListRooms, Request: "REQ"}, b.answer(plain{Kind: format.RoomNames, Rooms: []string{"SID", "rB"}}),
		},
		"io.in('rB').socketsJoin(['j1','j2'])": {to(plain{Kind: format.Join, Rooms: []string{"j1", "j2"}}, "rB")},
		"io.socketsLeave('j1')":                {{Kind: format.Leave, Rooms: []string{"j1"}}},
		"io.serverSideEmit('sse',1,'2')":       {{Kind: format.ServerEvent, Event: `["sse",1,"2"]`}},
		"io.serverSideEmit('sse',cb)":          {serverEvent, b.pong()},
		"io.in('rB').disconnectSockets(true)":  {to(plain{Kind: format.Disconnect, Close: true}, "rB")},
	}
}

func shardedExpectation() map[string][]plain {
	b := answers{sender: "B"}
	fetch := plain{Kind: format.Fetch, Request: "REQ"}
	serverEvent := plain{Kind: format.ServerEvent, Event: `["sse"]`, Request: "REQ"}
	return map[string][]plain{
		"A io.emit('hello','world')":               {broadcast(`["hello","world"]`)},
		"A io.to('rB').emit('hello', Buffer[1,2])": {to(broadcast(`["hello",<0102>]`), "rB")},
		"A io.to(socketId of B).emit('hello')":     {to(broadcast(`["hello"]`), "SID")},
		"A io.to(['rB','rC']).emit('hello')":       {to(broadcast(`["hello"]`), "rB", "rC")},
		"A io.timeout(200).emit('q',cb)":           {asks(`["q"]`, 200*time.Millisecond), b.count(), b.ack(`["a1"]`)},
		"A io.fetchSockets()":                      {fetch, b.fetched()},
		"A io.in('rB').socketsJoin('j1')":          {to(plain{Kind: format.Join, Rooms: []string{"j1"}}, "rB")},
		"A io.socketsLeave('j1')":                  {{Kind: format.Leave, Rooms: []string{"j1"}}},
		"A io.serverSideEmit('sse',1)":             {{Kind: format.ServerEvent, Event: `["sse",1]`}},
		"A io.serverSideEmit('sse',cb)":            {serverEvent, b.pong()},
		"A io.in('rB').disconnectSockets()":        {to(plain{Kind: format.Disconnect}, "rB")},
	}
}
