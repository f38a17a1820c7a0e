// Package component holds the black-box tests of package component that need a real Redis.
package component
