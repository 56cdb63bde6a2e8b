package outbox

import (
	"time"

	"mailsyncd.example/crm"
)

// How long to go on with an endpoint that fails, and how long to wait between
// two attempts: a share of the time that it has failed for, five seconds at
// least. An outage of two hours is over within ten seconds of its end, one of a
// night within a minute; in three days an endpoint is asked some 4,500 times at most.
// One to which no connection can be made is knocked at besides.
const (
	giveUpAfter  = 72 * time.Hour
	shortestWait = 5 * time.Second
	waitFraction = 900
)

// patience is how long to wait for the next attempt. jitter, from 0 to 1,
// spreads the endpoints that one outage felled at the same moment.
func patience(failingFor time.Duration, jitter float64) time.Duration {
	wait := max(failingFor/waitFraction, shortestWait)
	return wait + time.Duration(jitter*float64(wait)/4)
}

// outcome is what an answer means for the delivery and its webhook.
func outcome(a crm.Answer, failingFor time.Duration) (crm.DeliveryStatus, crm.WebhookStatus, string) {
	switch {
	case a.OK():
		return crm.Delivered, crm.WebhookActive, ""
	case a.Status == gone:
		return crm.DeliveryFailed, crm.WebhookDisabled, "The endpoint answered 410: it is gone. Make the webhook active again once it is back."
	case failingFor >= giveUpAfter:
		return crm.DeliveryFailed, crm.WebhookDown, "The endpoint took nothing for three days. Make the webhook active to go on with the next event; what failed can be redelivered."
	default:
		return crm.DeliveryPending, crm.WebhookActive, whatFailed(a)
	}
}

// gone is the HTTP status by which an endpoint asks to hear no more.
const gone = 410

func whatFailed(a crm.Answer) string {
	switch {
	case a.Fault != "":
		return a.Fault
	case a.Status/100 == 3:
		return "The endpoint answered with a redirect; register the URL that it leads to."
	default:
		return "The endpoint answered with a status other than 2xx."
	}
}
