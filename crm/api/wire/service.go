package wire

// Health says that the daemon is there.
type Health struct {
	Status  string `json:"status" enum:"ok"`
	Version string `json:"version"`
}
