package redisproc

import "syscall"

// dieWithParent lets the kernel kill a process when the process of the test is gone, however that ended.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
