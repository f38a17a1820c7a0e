package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes everything that was measured.
func (r *Results) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "\t")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
