package crm

// Fence is the token under which a process works a mailbox. Whoever takes the
// mailbox over works under a higher one, and the database refuses what is
// written under a lower one than it has seen: a process that was paused and
// wakes up late can't do harm. 0 is the token of a process that has the
// database to itself; it is never compared.
type Fence int64
