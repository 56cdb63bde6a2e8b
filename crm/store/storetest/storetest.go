// Package storetest is the promise that the store keeps on every database: a
// suite that the test of each opener runs.
package storetest

import (
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm/store"
)

// Opener opens a store on a database of its own, empty, and closes it when the
// test ends.
type Opener func(t *testing.T, o store.Options) *store.Store

// promise is one of the suite's tests.
type promise struct {
	name string
	test func(*testing.T, Opener)
}

// Run runs the suite; only the tests whose names begin with one of these, if
// there are any.
func Run(t *testing.T, open Opener, only ...string) {
	for _, c := range slices.Concat(ofOffices(), ofMail()) {
		begins := func(prefix string) bool { return strings.HasPrefix(c.name, prefix) }
		if len(only) == 0 || slices.ContainsFunc(only, begins) {
			t.Run(c.name, func(t *testing.T) { c.test(t, open) })
		}
	}
}

// ofOffices are about what people set up: who they are, and what they link.
func ofOffices() []promise {
	return []promise{
		{"Accounts", testAccounts},
		{"AccountEndsLinks", testAccountEndsLinks},
		{"AccountDeleted", testAccountDeleted},
		{"Keys", testKeys},
		{"Callers", testCallers},
		{"Users", testUsers},
		{"UserEndsLinks", testUserEndsLinks},
		{"Contacts", testContacts},
		{"ContactAddresses", testContactAddresses},
		{"ManyContacts", testManyContacts},
		{"Presets", testPresets},
		{"DomainUse", testDomainUse},
		{"PresetsAreFollowed", testPresetsAreFollowed},
		{"Transfer", testTransfer},
		{"TransferToWhatIsLinked", testTransferToLinked},
		{"Facts", testFacts},
		{"FactsOfMany", testFactsOfMany},
		{"Links", testLinks},
		{"LinksRefused", testLinksRefused},
		{"SharedMailbox", testSharedMailbox},
		{"Relink", testRelink},
		{"Credentials", testCredentials},
		{"Reseal", testReseal},
		{"LostKeys", testLostKeys},
		{"Grants", testGrants},
		{"GrantClaims", testGrantClaims},
		{"Authorizations", testAuthorizations},
		{"Reject", testReject},
		{"Looks", testLooks},
		{"LinkEvents", testLinkEvents},
		{"Signals", testSignals},
	}
}

// ofMail are about what comes in, and what is told and kept of it.
func ofMail() []promise {
	return []promise{
		{"Folders", testFolders},
		{"FolderBeginsAgain", testFolderBeginsAgain},
		{"Record", testRecord},
		{"RecordCopies", testRecordCopies},
		{"RecordRefusesStalePages", testRecordRefuses},
		{"RecordRefusesBadPages", testRecordBadPages},
		{"RecordIsAllOrNothing", testRecordAllOrNothing},
		{"RecordAtTheSameInstant", testRecordConcurrent},
		{"Fence", testFence},
		{"FencedLooks", testFencedLooks},
		{"Webhooks", testWebhooks},
		{"WebhookSecrets", testWebhookSecrets},
		{"WebhookClaims", testWebhookClaims},
		{"WebhookRenewals", testWebhookRenewals},
		{"WebhookSweeps", testWebhookSweeps},
		{"WebhookGivenUp", testWebhookGivenUp},
		{"Deliveries", testDeliveries},
		{"Events", testEvents},
		{"Bounces", testBounces},
		{"EventNumbers", testEventNumbers},
		{"LastEvents", testLastEvents},
		{"LetterToThousands", testLetterToThousands},
		{"RepliesNameSenders", testRepliesNameSenders},
		{"Enrollments", testEnrollments},
		{"Halts", testHalts},
		{"HaltEvents", testHaltEvents},
		{"HaltsAtTheSameInstant", testHaltsAtTheSameInstant},
		{"ReplyCheck", testReplyCheck},
		{"Absences", testAbsences},
		{"Handover", testHandover},
		{"Suspects", testSuspects},
		{"Freshness", testFreshness},
		{"Ledger", testLedger},
		{"LedgerOfRandomPages", testLedgerRandom},
		{"Balance", testBalance},
		{"Problems", testProblems},
		{"Threads", testThreads},
		{"ThreadsOfStrangers", testThreadsOfStrangers},
		{"LateParents", testLateParents},
		{"ThreadLists", testThreadLists},
		{"ThreadSearch", testThreadSearch},
		{"Messages", testMessages},
		{"MessageLists", testMessageLists},
		{"LongTexts", testLongTexts},
		{"DeletedMessages", testDeletedMessages},
		{"DeletedFromThreads", testDeletedFromThreads},
		{"Blobs", testBlobs},
		{"Usage", testUsage},
		{"Audit", testAudit},
		{"AuditOfEndings", testAuditOfEndings},
		{"AuditOfAccounts", testAuditOfAccounts},
		{"DeliveryReports", testReports},
		{"DeliveryReportsSwitch", testReportsSwitch},
		{"Retention", testRetention},
		{"TenancyOfLists", testTenancyOfLists},
		{"TenancyOfThings", testTenancyOfThings},
		{"Cursors", testCursors},
		{"Cancelled", testCancelled},
	}
}
