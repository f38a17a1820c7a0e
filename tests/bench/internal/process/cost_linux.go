package process

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the CPU time, user and system, that the process has used so far, all of its threads included, also those that have
// ended. It is the clock that clock_getcpuclockid(3) names, which counts nanoseconds where /proc/PID/stat counts ticks of 10 ms;
// of a thread that runs at the moment it may not know the last few milliseconds.
func (s *Server) CPU() (time.Duration, error) { return cpuOf(s.command.Process.Pid) }

func cpuOf(pid int) (time.Duration, error) {
	const scheduled = 2 // the CPU time of a process as the scheduler counts it
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("process: CPU clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// OwnThreadCPU is the CPU time that the calling thread has used so far.
func OwnThreadCPU() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("process: CPU clock: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// RSS is the resident memory of the process, in bytes.
func (s *Server) RSS() (int64, error) { return rssOf(s.command.Process.Pid) }

// rssOf reads smaps_rollup, which is exact. The counters in /proc/PID/status may lag behind by some pages for each core.
func rssOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("process: memory: %w", err)
	}
	return rssIn(text)
}

func rssIn(text []byte) (int64, error) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) == 3 && string(fields[0]) == "Rss:" && string(fields[2]) == "kB" {
			kibibytes, err := strconv.ParseInt(string(fields[1]), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("process: memory: %w", err)
			}
			return kibibytes << 10, nil
		}
	}
	return 0, fmt.Errorf("process: memory: no Rss in %.60q", text)
}
