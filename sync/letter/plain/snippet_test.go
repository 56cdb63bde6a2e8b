package plain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"mailsyncd.example/crm/vectortest"
)

func TestSnippet(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"white space is collapsed", "Dear  Ken,\n\n\tthank you\u3000for  it. \n", "Dear Ken, thank you for it."},
		{"padding of no width goes", "Sale\u200c \u200c \u00ad\ufeff today", "Sale today"},
		{"rulers go", "＝＝＝＝＝＝\nお知らせ\n-----------\n本文", "お知らせ 本文"},
		{"quoted lines go", "> old\n>> older\nnew", "new"},
		{"full-width marks quote too", "＞古い\n新しい", "新しい"},
		{"signature", "Yes.\n-- \nKen\nExample Ltd.", "Yes."},
		{"signature without its space", "Yes.\n--\nKen", "Yes."},
		{"addresses behind links go", "See our offer <https://example.com/a?b=c> now", "See our offer now"},

		{"an introduction", "Yes.\n\nOn Mon, 2 Mar 2026 at 10:00, Ken <ken@customer.example> wrote:\n> Shall we?\n", "Yes."},
		{"an introduction over three lines", "Yes.\nOn Mon, Mar 2, 2026 at 10:00 AM Ken\n<ken@customer.example>\nwrote:\n\n> Shall we?", "Yes."},
		{"an introduction without marks below", "Yes.\nOn Mon, Mar 2, 2026 at 10:00 AM Ken <k@c.example> wrote:\nShall we?", "Yes."},
		{"an answer below the quotation", "Ken wrote:\n> Shall we?\n\nYes, let us.", "Yes, let us."},
		{"answers in between", "On 2 Mar 2026, Ken wrote:\n> One?\nYes.\n> Two?\nNo.", "Yes. No."},
		{"a sentence that ends like one", "This is what he wrote:\n\nall is well", "This is what he wrote: all is well"},
		{"a sentence that begins like one", "On Monday we meet at 10:\nbring paper", "On Monday we meet at 10: bring paper"},
		{"German", "Ja.\n\nAm 02.03.2026 um 10:00 schrieb Ken <ken@c.example>:\n> Nun?", "Ja."},
		{"French", "Oui.\n\nLe lun. 2 mars 2026 à 10:00, Ken <ken@c.example> a écrit :\n> Alors ?", "Oui."},

		{"Gmail in Japanese", "承知しました。\n\n2026年3月2日(月) 10:00 山田太郎 <yamada@customer.example>:\n\n> お世話に\n", "承知しました。"},
		{"Gmail in Japanese, wrapped", "承知しました。\n\n2026年3月2日(月) 10:00 山田太郎\n<yamada@customer.example>:\n> お世話に\n", "承知しました。"},
		{"Apple in Japanese", "はい。\n\n2026/03/02 10:00、山田太郎 <yamada@customer.example>のメール:\n\n> お世話に", "はい。"},
		{"Apple in Japanese, full-width colon", "はい。\n\n2026/03/02 10:00、山田のメール：\n\nお世話に", "はい。"},
		{"Thunderbird in Japanese", "はい。\n(2026/03/02 10:00), Ken wrote:\n> お世話に", "はい。"},
		{"has written, in Japanese", "はい。\n2026年3月2日 10:00 山田さんは書きました:\n> お世話に", "はい。"},
		{"a date that begins a sentence", "2026年3月2日に伺います。\nよろしく", "2026年3月2日に伺います。 よろしく"},
		{"Becky", "はい。\n\nOn Mon, 02 Mar 2026 10:00:00 +0900\n山田 <yamada@customer.example> wrote:\n\n> お世話に", "はい。"},

		{"Outlook's separator", "Yes.\n\n-----Original Message-----\nFrom: Ken\nShall we?", "Yes."},
		{"Outlook's separator in Japanese", "はい。\n\n-----元のメッセージ-----\n差出人: 山田", "はい。"},
		{"Outlook's block", "Yes.\n\nFrom: Ken <ken@c.example>\nSent: Monday, March 2, 2026 10:00 AM\nTo: Aoi\nSubject: Estimate\n\nShall we?", "Yes."},
		{"Outlook's block in Japanese", "はい。\n\n差出人: 山田 <y@c.example>\n送信日時: 2026年3月2日 10:00\n宛先: 青井\n件名: 見積\n\nお世話に", "はい。"},
		{"the same with full-width colons", "はい。\n送信日時：2026年3月2日\n差出人：山田\n件名：見積\n\nお世話に", "はい。"},
		{"a block in bold", "Yes.\n*From:* Ken\n*Sent:* Monday\n*To:* Aoi\n*Subject:* Estimate\n\nShall we?", "Yes."},
		{"a line of underscores above it", "Yes.\n________________________________\nFrom: Ken\nShall we?", "Yes."},
		{"a single field is a sentence", "To: be or not to be\nthat is the question", "To: be or not to be that is the question"},
		{"a forwarded message is all there is", "---------- Forwarded message ---------\nFrom: Ken\nDate: today\nSubject: Hi\n\nShall we?",
			"From: Ken Date: today Subject: Hi Shall we?"},
		{"forwarded with a word", "FYI\n\nBegin forwarded message:\n\nFrom: Ken\n", "FYI"},

		{"a telephone's line", "Yes.\n\nSent from my iPhone", "Yes."},
		{"a telephone's line in Japanese", "はい。\n\niPhoneから送信", "はい。"},
		{"a sentence like a telephone's line", "Sent from my desk, as it is easier.", "Sent from my desk, as it is easier."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Snippet(c.text); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSnippetIsShort(t *testing.T) {
	for _, text := range []string{strings.Repeat("見積", 500), strings.Repeat("a ", 500), strings.Repeat("<http", 100_000)} {
		if n := utf8.RuneCountInString(Snippet(text)); n > SnippetLength || n < SnippetLength-1 {
			t.Errorf("%.20q…: %d characters", text, n)
		}
	}
}

// TestSnippetOfReplyParsers runs the texts with which two reply parsers are
// tested. What is new in them they tell in words.
func TestSnippetOfReplyParsers(t *testing.T) {
	want := map[string]string{
		"email_1_3":                        "Oh thanks. Having the function would be great. -Abhishek Kona",
		"email_1_4":                        "Awesome! I haven't had another problem with it.",
		"email_1_6":                        "I get proper rendering as well. Sent from a magnificent torch of pixels",
		"email_1_7":                        ":+1:",
		"email_1_8":                        "I will reply under this one and under this.",
		"email_2_1":                        "Outlook with a reply",
		"email_2_3":                        "Outlook with a reply above headers using unusual format",
		"email_BlackBerry":                 "Here is another email",
		"email_iPhone":                     "Here is another email",
		"email_gmail":                      "This is a test for inbox replying to a github message.",
		"email_one_is_not_on":              "Thank, this is really helpful. One outstanding question I had: Locally (on development), when I run...",
		"email_sent_from_my_not_signature": "Here is another email Sent from my desk, is much easier then my mobile phone.",
		"email_multi_word_sent_from_my_mobile_device": "Here is another email",
		"email_sig_delimiter_in_middle_of_line":       "Hi there! Stuff happened. And here is a fix -- this is not a signature. kthxbai",
		"greedy_on":                                   "On your remote host you can run: telnet 127.0.0.1 52698 This should connect to TextMate (on your Mac, via the tunnel). If that fails, the tunnel is not working.",
		"pathological":                                "I think you're onto something. I will try to fix the problem as soon as I get back to a computer.",
	}
	for _, set := range []string{"github+email_reply_parser", "zapier+email-reply-parser"} {
		files, _ := filepath.Glob(filepath.Join(vectortest.Corpus(t), set, "body", "*.txt"))
		if len(files) == 0 {
			t.Errorf("no texts in %s", set)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "test__emails__"), ".txt")
			if w, ok := want[name]; ok && Snippet(string(text)) != w {
				t.Errorf("%s: %q, want %q", f, Snippet(string(text)), w)
			}
		}
	}
}

func FuzzSnippet(f *testing.F) {
	f.Add("Yes.\nOn Mon, 2 Mar 2026 Ken wrote:\n> x\nFrom: a\nTo: b\nSubject: c\n-- \n<http://x>")
	f.Add("2026年3月2日(月) 10:00 <a@b>:\n＞古い")
	f.Fuzz(func(t *testing.T, text string) {
		s := Snippet(strings.ToValidUTF8(text, ""))
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > SnippetLength {
			t.Errorf("%q: %q", text, s)
		}
	})
}
