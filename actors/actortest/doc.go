// Package actortest helps to test actors, from cheapest to most real:
//
//	Recorder   drives Receive synchronously, without any system: for state machines
//	Probe      a real actor that keeps what it gets: the other side of a protocol
//	NewSystem  a System that proves at the end of the test that nothing was left running or armed
//	Bubble     fake time: a test of a 45 s timeout takes milliseconds, and "nothing happens" can be proved
//
// Nothing here sleeps or polls.
package actortest
