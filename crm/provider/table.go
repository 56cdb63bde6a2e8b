package provider

import (
	"slices"

	"mailsyncd.example/crm"
)

// table is all that is known.
func table() []entry {
	return slices.Concat(suites(), worldwide(), carriers(), internetProviders(), hosters())
}

// Ways in, the best first.
func oauthOnly() []crm.AuthMethod    { return []crm.AuthMethod{crm.AuthOAuth2} }
func oauthFirst() []crm.AuthMethod   { return []crm.AuthMethod{crm.AuthOAuth2, crm.AuthPassword} }
func passwordOnly() []crm.AuthMethod { return []crm.AuthMethod{crm.AuthPassword} }
func submission(h string) crm.Server {
	return crm.Server{Host: h, Port: 465, Security: crm.SecurityTLS}
}
func submission2(h string) crm.Server {
	return crm.Server{Host: h, Port: 587, Security: crm.SecuritySTARTTLS}
}

// suites are what companies move their whole mail to.
func suites() []entry {
	return []entry{
		{
			Provider: crm.Provider{
				ID: "google", Name: "Gmail / Google Workspace", Auth: oauthFirst(), AppPassword: true,
				Connections: 15, // support.google.com/mail/answer/7126229
				Help: crm.Bilingual{
					EN: "Sign in with Google. Without that, switch on 2-Step Verification and make an app password at myaccount.google.com/apppasswords; in Google Workspace the administrator must allow IMAP.",
					JA: "「Google でログイン」をお使いください。使えない場合は 2 段階認証プロセスを有効にし、myaccount.google.com/apppasswords で作成したアプリパスワードを入力します。Google Workspace では管理者による IMAP の許可が必要です。",
				},
			},
			domains: []string{"gmail.com", "googlemail.com"}, public: true, mx: []string{"google.com", "googlemail.com"},
			host: "imap.gmail.com", smtp: submission("smtp.gmail.com"),
		},
		{
			Provider: crm.Provider{
				ID: "outlook", Name: "Outlook.com", Auth: oauthOnly(),
				Help: crm.Bilingual{
					EN: "Sign in with Microsoft; passwords are not taken. In Outlook.com's settings, under Forwarding and IMAP, allow devices and apps to use IMAP.",
					JA: "「Microsoft でサインイン」をお使いください(パスワードでは接続できません)。Outlook.com の設定「転送と IMAP」で、デバイスとアプリの IMAP 利用を許可してください。",
				},
			},
			domains: []string{"outlook.com", "outlook.jp", "hotmail.com", "hotmail.co.jp", "live.com", "live.jp", "msn.com"}, public: true,
			mx: []string{"olc.protection.outlook.com"}, host: "outlook.office365.com", smtp: submission2("smtp-mail.outlook.com"),
		},
		{
			Provider: crm.Provider{
				ID: "microsoft365", Name: "Microsoft 365", Auth: oauthOnly(),
				Help: crm.Bilingual{
					EN: "Sign in with Microsoft; passwords are not taken. The administrator of Microsoft 365 must leave IMAP switched on for the mailbox.",
					JA: "「Microsoft でサインイン」をお使いください(パスワードでは接続できません)。Microsoft 365 の管理者がメールボックスの IMAP を有効にしている必要があります。",
				},
			},
			domains: []string{".onmicrosoft.com"}, mx: []string{"mail.protection.outlook.com", "mx.microsoft"},
			host: "outlook.office365.com", smtp: submission2("smtp.office365.com"),
		},
		zoho("zoho", "imap.zoho.com", "smtp.zoho.com", []string{"zoho.com", "zohomail.com"}, nil),
		zoho("zoho-eu", "imap.zoho.eu", "smtp.zoho.eu", []string{"zoho.eu", "zohomail.eu"}, nil),
		zoho("zoho-jp", "imap.zoho.jp", "smtp.zoho.jp", []string{"zohomail.jp"}, nil),
		zoho("zoho-pro", "imappro.zoho.com", "smtppro.zoho.com", nil, []string{"mx.zoho.com", "mx2.zoho.com", "mx3.zoho.com"}),
		zoho("zoho-pro-eu", "imappro.zoho.eu", "smtppro.zoho.eu", nil, []string{"mx.zoho.eu", "mx2.zoho.eu", "mx3.zoho.eu"}),
		zoho("zoho-pro-jp", "imappro.zoho.jp", "smtppro.zoho.jp", nil, []string{"mx.zoho.jp", "mx2.zoho.jp", "mx3.zoho.jp"}),
	}
}

// zoho has a server for each region, and others for companies.
func zoho(id, host, smtp string, domains, mx []string) entry {
	return entry{
		Provider: crm.Provider{
			ID: id, Name: "Zoho Mail", Auth: passwordOnly(), AppPassword: true,
			Help: crm.Bilingual{
				EN: "In Zoho Mail's settings, under Mail Accounts, switch on IMAP access. With two-factor authentication, enter an application-specific password made at accounts.zoho.com.",
				JA: "Zoho Mail の設定「メールアカウント」で IMAP アクセスを有効にしてください。2 段階認証を使っている場合は、Zoho アカウントで作成したアプリ固有のパスワードを入力します。",
			},
		},
		domains: domains, public: true, mx: mx, host: host, smtp: submission(smtp),
	}
}

// worldwide are those at which anybody can have an address.
func worldwide() []entry {
	yahoo := crm.Bilingual{
		EN: "In the account's security settings make an app password, and enter that instead of your own.",
		JA: "アカウントのセキュリティ設定でアプリパスワードを作成し、通常のパスワードの代わりに入力してください。",
	}
	gmx := crm.Bilingual{
		EN: "In GMX's settings, under POP3 & IMAP, allow access by mail programs; with two-factor authentication enter an app password.",
		JA: "GMX の設定「POP3 & IMAP」でメールソフトからの接続を許可してください。2 段階認証を使っている場合はアプリパスワードを入力します。",
	}
	return []entry{
		{
			Provider: crm.Provider{ID: "yahoo", Name: "Yahoo Mail", Auth: passwordOnly(), AppPassword: true, Help: yahoo},
			domains:  []string{"yahoo.com", "ymail.com", "rocketmail.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr"}, public: true,
			host: "imap.mail.yahoo.com", smtp: submission("smtp.mail.yahoo.com"),
		},
		{
			Provider: crm.Provider{ID: "aol", Name: "AOL", Auth: passwordOnly(), AppPassword: true, Help: yahoo},
			domains:  []string{"aol.com", "aim.com"}, public: true, host: "imap.aol.com", smtp: submission("smtp.aol.com"),
		},
		{
			Provider: crm.Provider{
				ID: "icloud", Name: "iCloud", Auth: passwordOnly(), AppPassword: true,
				Help: crm.Bilingual{
					EN: "At account.apple.com make an app-specific password, and enter that. The user name is what stands before the @ of the iCloud address.",
					JA: "account.apple.com でアプリ用パスワードを作成し、それを入力してください。ユーザー名は iCloud メールアドレスの @ より前の部分です。",
				},
			},
			domains: []string{"icloud.com", "me.com", "mac.com"}, public: true, mx: []string{"mail.icloud.com"},
			host: "imap.mail.me.com", smtp: submission2("smtp.mail.me.com"), username: local, hosted: own,
		},
		{
			Provider: crm.Provider{
				ID: "fastmail", Name: "Fastmail", Auth: passwordOnly(), AppPassword: true,
				Help: crm.Bilingual{
					EN: "In Fastmail's settings, under Privacy & Security, make an app password for IMAP, and enter that.",
					JA: "Fastmail の設定「Privacy & Security」で IMAP 用のアプリパスワードを作成し、それを入力してください。",
				},
			},
			domains: []string{"fastmail.com", "fastmail.fm"}, public: true, mx: []string{"messagingengine.com"},
			host: "imap.fastmail.com", smtp: submission("smtp.fastmail.com"),
		},
		{
			Provider: crm.Provider{ID: "gmx", Name: "GMX", Auth: passwordOnly(), Help: gmx},
			domains:  []string{"gmx.net", "gmx.de", "gmx.at", "gmx.ch"}, public: true, mx: []string{"gmx.net"},
			host: "imap.gmx.net", smtp: submission("mail.gmx.net"),
		},
		{
			Provider: crm.Provider{ID: "gmx-com", Name: "GMX", Auth: passwordOnly(), Help: gmx},
			domains:  []string{"gmx.com"}, public: true, host: "imap.gmx.com",
		},
	}
}
