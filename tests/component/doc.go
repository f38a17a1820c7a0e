// Package component holds the black-box tests of package component that need clients or a real Redis.
package component
