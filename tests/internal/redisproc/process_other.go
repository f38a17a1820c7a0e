//go:build !linux

package redisproc

import "syscall"

// dieWithParent has no counterpart here: processes of a test that was killed stay behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
