package txn

import "strconv"

// Clause grows the conditions of a query whose number depends on what is asked
// for.
type Clause struct {
	Text string
	Args []any
}

// Add adds an argument and returns its placeholder.
func (c *Clause) Add(arg any) string {
	c.Args = append(c.Args, arg)
	return "$" + strconv.Itoa(len(c.Args))
}

// And adds a condition that ends with the placeholder of arg.
func (c *Clause) And(condition string, arg any) {
	c.Text += " AND " + condition + c.Add(arg)
}
