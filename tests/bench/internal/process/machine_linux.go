package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// OwnCPU is the CPU time that this process has used so far.
func OwnCPU() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("process: CPU clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// MachineCPU is the CPU time that all programs on this machine, and the kernel, have used so far, in steps of 10 ms.
func MachineCPU() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("process: %w", err)
	}
	return busyIn(text)
}

// busyIn adds up what the first line says of all cores, without the time in which they were idle.
func busyIn(text []byte) (time.Duration, error) {
	const idle, waiting, steal = 4, 5, 8
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) <= steal || string(fields[0]) != "cpu" {
		return 0, fmt.Errorf("process: no CPU times in %.60q", line)
	}
	var ticks int64
	for i := 1; i <= steal; i++ { // what follows is in user time already
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("process: CPU times: %w", err)
		}
		if i != idle && i != waiting {
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil // USER_HZ is 100 on every Linux
}

// CPUModel is what the processor calls itself.
func CPUModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "an unknown processor"
	}
	return modelIn(text)
}

func modelIn(text []byte) string {
	for line := range bytes.Lines(text) {
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && string(bytes.TrimSpace(key)) == "model name" {
			return string(bytes.TrimSpace(value))
		}
	}
	return "an unknown processor" // only x86 has names
}
