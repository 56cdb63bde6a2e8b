package crm

import "time"

// Role is what a user may do; package access holds the table.
type Role string

const (
	RoleOwner   Role = "owner"
	RoleAdmin   Role = "admin"
	RoleManager Role = "manager"
	RoleUser    Role = "user"
)

// User is a person in an account. Email and aliases are internal addresses for
// as long as the user is not deleted, active or not.
type User struct {
	Account   AccountID
	ID        UserID
	Email     Address
	Name      string
	Role      Role
	Aliases   []Address
	Active    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Caller is who stands behind a token: an account's key (User nil) or a user,
// with the role the user has at the time of the request.
type Caller struct {
	Account Account
	Key     KeyID // "" of a user
	User    *User
}

// Actor is what the audit calls the caller.
func (c Caller) Actor() Actor {
	if c.User == nil {
		return Actor{Kind: ActorKey, ID: string(c.Key)}
	}
	return Actor{Kind: ActorUser, ID: string(c.User.ID)}
}
