package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Cores says where things run. A negative core means anywhere.
type Cores struct {
	Server, Generator int

	all  unix.CPUSet // of this process before the generator was pinned
	free bool        // the server may use all
}

// Free lets servers run on every core, that of the generator included.
func (c Cores) Free() Cores {
	c.free = true
	return c
}

// Anywhere leaves the choice to the operating system.
var Anywhere = Cores{Server: -1, Generator: -1}

// Choose gives the server and the generator a core each, of those that this process may use. With only one, both run anywhere.
func Choose() (Cores, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return Anywhere, fmt.Errorf("process: affinity: %w", err)
	}
	var cores []int
	for core := 0; len(cores) < 2 && core < len(allowed)*64; core++ {
		if allowed.IsSet(core) {
			cores = append(cores, core)
		}
	}
	if len(cores) < 2 {
		return Anywhere, nil
	}
	return Cores{Server: cores[0], Generator: cores[1], all: allowed}, nil
}

// Pinned tells whether server and generator have a core each.
func (c Cores) Pinned() bool { return c.Server >= 0 }

// PinGenerator moves all threads of this process to the core of the generator. Threads made later inherit it.
func (c Cores) PinGenerator() error {
	if !c.Pinned() {
		return nil
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("process: affinity: %w", err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			return fmt.Errorf("process: affinity: %w", err)
		}
		if err := pin(id, c.Generator); err != nil {
			return err
		}
	}
	return nil
}

// onServerCore runs f, which starts a process, on the core of the server, so that the process inherits it.
func (c Cores) onServerCore(f func() error) error {
	if !c.Pinned() {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("process: affinity: %w", err)
	}
	if err := c.moveToServer(); err != nil {
		return err
	}
	failure := f()
	if err := unix.SchedSetaffinity(0, &before); err != nil {
		return fmt.Errorf("process: affinity: %w", err)
	}
	return failure
}

// moveToServer moves the calling thread to where servers run.
func (c Cores) moveToServer() error {
	if !c.free {
		return pin(0, c.Server)
	}
	if err := unix.SchedSetaffinity(0, &c.all); err != nil {
		return fmt.Errorf("process: affinity: %w", err)
	}
	return nil
}

func pin(thread, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("process: affinity: %w", err)
	}
	return nil
}
