// Package process starts the servers of a benchmark on a core of their own, and reads from /proc and the CPU clocks of Linux
// what they cost. On other systems it is empty.
package process
