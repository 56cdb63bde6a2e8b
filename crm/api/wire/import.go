package wire

// ContactLine is one line of a bulk import.
type ContactLine struct {
	ID ForeignID `json:"id"`
	ContactInput
}

// Imported tells what became of the lines of a bulk import.
type Imported struct {
	Created       int        `json:"created"`
	Updated       int        `json:"updated"`
	Rejected      []Rejected `json:"rejected" nullable:"false" maxItems:"1000"`
	RejectedCount int        `json:"rejected_count" doc:"All of them; rejected lists the first 1,000."`
}

// Rejected is a line that was left out.
type Rejected struct {
	Line   int    `json:"line" doc:"1 is the first."`
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
}
