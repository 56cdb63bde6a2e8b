package wire

import (
	"time"

	"mailsyncd.example/crm"
)

// Thread is the messages of one conversation.
type Thread struct {
	ID            crm.ThreadID    `json:"id"`
	Subject       string          `json:"subject"`
	Contacts      []crm.ContactID `json:"contacts" nullable:"false"`
	MessageCount  int             `json:"message_count"`
	LastMessageAt time.Time       `json:"last_message_at"`
	Snippet       string          `json:"snippet"`
}

// ThreadWithMessages is a thread and a page of its messages.
type ThreadWithMessages struct {
	Thread
	Messages []Message `json:"messages" nullable:"false" doc:"Oldest first, with text; html is in the message itself."`
	Next     string    `json:"next" doc:"The cursor of the following messages; empty on the last page."`
}

// ThreadOf shows a thread.
func ThreadOf(t crm.Thread) Thread {
	return Thread{
		ID: t.ID, Subject: t.Subject, Contacts: OrEmpty(t.Contacts), MessageCount: t.MessageCount,
		LastMessageAt: UTC(t.LastMessageAt), Snippet: t.Snippet,
	}
}
