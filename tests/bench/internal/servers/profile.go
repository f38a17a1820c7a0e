package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
)

// Orders that a server reads from its input, a line each. It answers each with an empty line.
const (
	OrderCPU  = "cpu"  // begin a CPU profile in the file that follows
	OrderStop = "stop" // end it
	OrderHeap = "heap" // write a profile of the heap to the file that follows
)

// obey carries out orders until in ends.
func obey(in io.Reader, out io.Writer) error {
	var p profiler
	orders := bufio.NewScanner(in)
	for orders.Scan() {
		order, name, _ := strings.Cut(orders.Text(), " ")
		if err := p.carryOut(order, name); err != nil {
			return errors.Join(err, p.stop())
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return errors.Join(err, p.stop())
		}
	}
	return errors.Join(orders.Err(), p.stop())
}

// profiler has a CPU profile under way, or none.
type profiler struct{ file *os.File }

func (p *profiler) carryOut(order, name string) error {
	switch order {
	case OrderCPU:
		return p.start(name)
	case OrderStop:
		return p.stop()
	case OrderHeap:
		return heap(name)
	default:
		return fmt.Errorf("no order %q", order)
	}
}

func (p *profiler) start(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	p.file = file
	return pprof.StartCPUProfile(file)
}

func (p *profiler) stop() error {
	if p.file == nil {
		return nil
	}
	pprof.StopCPUProfile()
	file := p.file
	p.file = nil
	return file.Close()
}

// heap writes what is alive.
func heap(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.WriteHeapProfile(file), file.Close())
}
