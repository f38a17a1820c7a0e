//go:build !linux

package main

import "errors"

func run(settings) error {
	return errors.New("it needs Linux: epoll, CPU clocks of processes, and affinity")
}
