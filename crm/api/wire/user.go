package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// User is a person in the account.
type User struct {
	ID        crm.UserID    `json:"id"`
	Email     crm.Address   `json:"email"`
	Name      string        `json:"name"`
	Role      crm.Role      `json:"role" enum:"owner,admin,manager,user"`
	Aliases   []crm.Address `json:"aliases" nullable:"false"`
	Active    bool          `json:"active"`
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
}

// UserInput is a user as the CRM knows them.
type UserInput struct {
	Email   string   `json:"email" maxLength:"320"`
	Name    Name     `json:"name,omitempty"`
	Role    crm.Role `json:"role" enum:"owner,admin,manager,user"`
	Aliases []string `json:"aliases,omitempty" maxItems:"200" doc:"Further addresses of theirs; mail between internal addresses is never imported."`
	Active  *bool    `json:"active,omitempty" doc:"false ends the user's link; true where it is left out."`
}

// TokenInput describes a user token to be made.
type TokenInput struct {
	TTLSeconds int `json:"ttl_seconds" minimum:"1" maximum:"86400" doc:"For how long the token is valid."`
}

// Token is a user token that was just made: the only time that it is shown.
type Token struct {
	Token     string    `json:"token" doc:"Shown here and never again."`
	ExpiresAt time.Time `json:"expires_at"`
}

// User makes the user that the CRM describes, as of now.
func (in UserInput) User(a crm.AccountID, id crm.UserID, now time.Time) (crm.User, error) {
	email, err := OneAddress("email", in.Email)
	if err != nil {
		return crm.User{}, err
	}
	aliases, err := addresses("aliases", in.Aliases)
	if err != nil {
		return crm.User{}, err
	}
	return crm.User{
		Account: a, ID: id, Email: email, Name: string(in.Name), Role: in.Role,
		Aliases: aliases, Active: in.Active == nil || *in.Active, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// UserOf shows a user.
func UserOf(u crm.User) User {
	return User{
		ID: u.ID, Email: u.Email, Name: u.Name, Role: u.Role, Aliases: OrEmpty(u.Aliases),
		Active: u.Active, CreatedAt: UTC(u.CreatedAt), UpdatedAt: UTC(u.UpdatedAt),
	}
}
