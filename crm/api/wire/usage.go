package wire

// Usage is what an account's mail takes up, by month of import.
type Usage struct {
	Month    string `json:"month" example:"2026-11"`
	Messages int64  `json:"messages"`
	Bytes    int64  `json:"bytes"`
}
