package scale

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// memory is what a process holds, in bytes.
type memory struct {
	Resident int64 // as the operating system sees it, before a collection
	InUse    int64 // by live objects and by stacks, after a collection
	Stacks   int64 // of it
}

func measure() memory {
	m := memory{Resident: resident()}
	runtime.GC()
	runtime.GC() // what the first has left in pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.InUse, m.Stacks = int64(stats.HeapAlloc+stats.StackInuse), int64(stats.StackInuse)
	return m
}

func (m memory) String() string {
	return fmt.Sprintf("%d B of heap and stacks, of them %d B stacks; resident before collection %d B", m.InUse, m.Stacks, m.Resident)
}

// per is what each of n has added since before, in bytes.
func (m memory) per(n int, before memory) memory {
	return memory{
		Resident: (m.Resident - before.Resident) / int64(n),
		InUse:    (m.InUse - before.InUse) / int64(n),
		Stacks:   (m.Stacks - before.Stacks) / int64(n),
	}
}

// resident is the resident memory of this process in bytes; 0 where there is no /proc.
func resident() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// cpuTime is what this process has used, of all cores.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
