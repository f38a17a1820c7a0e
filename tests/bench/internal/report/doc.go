// Package report makes tables, a plot and JSON of what a benchmark has measured, and says which goals hold.
package report
