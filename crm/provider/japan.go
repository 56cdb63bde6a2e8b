package provider

import "mailsyncd.example/crm"

// carriers are the mobile networks of Japan, and Yahoo! JAPAN, whose addresses
// people keep for decades.
func carriers() []entry {
	return []entry{
		{
			Provider: crm.Provider{
				ID: "yahoo-jp", Name: "Yahoo!メール", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "In the settings of Yahoo! JAPAN Mail, under IMAP/POP/SMTP access, allow access by IMAP. The user name is what stands before the @.",
					JA: "Yahoo!メールの設定「IMAP/POP/SMTPアクセスとメール転送」で、IMAP によるアクセスを有効にしてください。ユーザー名はメールアドレスの @ より前の部分です。",
				},
			},
			domains: []string{"yahoo.co.jp", "ymail.ne.jp"}, public: true,
			host: "imap.mail.yahoo.co.jp", smtp: submission("smtp.mail.yahoo.co.jp"), username: local,
		},
		{
			Provider: crm.Provider{
				ID: "docomo", Name: "ドコモメール", Auth: passwordOnly(), AppPassword: true,
				Help: crm.Bilingual{
					EN: "In My docomo, under mail settings, look up the ID and the password for IMAP (not over Wi-Fi), and enter both. The ID is that of the d account, not the address.",
					JA: "My docomo の「メール設定」で IMAP 用 ID とパスワードを確認し(Wi-Fi はオフ)、その両方を入力してください。ID はメールアドレスではなく d アカウントの ID です。",
				},
			},
			domains: []string{"docomo.ne.jp"}, public: true,
			host: "imap.spmode.ne.jp", smtp: submission("smtp.spmode.ne.jp"), username: own,
		},
		{
			Provider: crm.Provider{
				ID: "au", Name: "auメール", Auth: passwordOnly(), AppPassword: true,
				Help: crm.Bilingual{
					EN: "In au's mail settings look up the user name and the password for other mail programs, and enter both.",
					JA: "au メールの設定で、他社のメールソフト用のユーザー名とパスワードを確認し、その両方を入力してください。",
				},
			},
			domains: []string{"ezweb.ne.jp", "au.com"}, public: true, host: "imap.ezweb.ne.jp", username: own,
		},
		{
			Provider: crm.Provider{
				ID: "softbank", Name: "ソフトバンク Eメール(i)", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "Enter the mail password that My SoftBank shows. Only addresses at i.softbank.jp can be read; those at softbank.ne.jp have no IMAP.",
					JA: "My SoftBank で確認できるメール用のパスワードを入力してください。連携できるのは @i.softbank.jp だけで、@softbank.ne.jp は IMAP に対応していません。",
				},
			},
			domains: []string{"i.softbank.jp"}, public: true, host: "imap.softbank.jp", smtp: submission("smtp.softbank.jp"),
		},
		{
			Provider: crm.Provider{
				ID: "softbank-mms", Name: "ソフトバンク S!メール", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "Addresses at softbank.ne.jp can't be read by IMAP, so this mailbox can't be linked.",
					JA: "@softbank.ne.jp のメールは IMAP に対応していないため、連携できません。",
				},
			},
			domains: []string{"softbank.ne.jp"}, public: true, place: unknown,
		},
	}
}

// internetProviders give addresses to their customers.
func internetProviders() []entry {
	return []entry{
		{
			Provider: crm.Provider{
				ID: "biglobe", Name: "BIGLOBE", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "Enter the BIGLOBE password from the membership certificate.",
					JA: "BIGLOBE 会員証に記載の BIGLOBE パスワードを入力してください。",
				},
			},
			domains: []string{"biglobe.ne.jp", ".biglobe.ne.jp"}, public: true, host: "mail.biglobe.ne.jp", smtp: submission("mail.biglobe.ne.jp"),
		},
		{
			Provider: crm.Provider{
				ID: "ocn", Name: "OCN", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "Enter the password of the OCN mail address, not that of the connection.",
					JA: "接続用ではなく、OCN メールアドレスのパスワードを入力してください。",
				},
			},
			domains: []string{"ocn.ne.jp", ".ocn.ne.jp"}, public: true, host: "imap.ocn.ne.jp", smtp: submission("smtp.ocn.ne.jp"),
		},
		{
			Provider: crm.Provider{
				ID: "nifty", Name: "@nifty", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "IMAP is an option at @nifty that costs extra: subscribe to it first, then enter the mail password.",
					JA: "@nifty の IMAP は有料オプションです。お申し込みのうえ、メールパスワードを入力してください。",
				},
			},
			domains: []string{"nifty.com", ".nifty.com"}, public: true, host: "imap.nifty.com", smtp: submission("smtp.nifty.com"),
		},
		{
			Provider: crm.Provider{
				ID: "so-net", Name: "So-net", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "IMAP is a service of So-net's that has to be subscribed to; it takes no new subscribers. Enter the password of the mail address.",
					JA: "So-net の IMAP サービスへの加入が必要です(新規受付は終了しています)。メールアドレスのパスワードを入力してください。",
				},
			},
			domains: []string{"so-net.ne.jp", ".so-net.ne.jp"}, public: true, host: "imap.so-net.ne.jp",
		},
	}
}

// hosters keep the mail of their customers' own domains.
func hosters() []entry {
	own := func(panel, panelJA string) crm.Bilingual {
		return crm.Bilingual{
			EN: "Enter the password of the mail account that was set in " + panel + "; the user name is the whole address.",
			JA: panelJA + "で設定したメールアカウントのパスワードを入力してください。ユーザー名はメールアドレス全体です。",
		}
	}
	return []entry{
		{
			Provider: crm.Provider{ID: "xserver", Name: "エックスサーバー", Auth: passwordOnly(), Help: own("Xserver's server panel", "エックスサーバーのサーバーパネル")},
			mx:       []string{"xserver.jp"}, place: atMX, smtp: submission(""),
		},
		{
			Provider: crm.Provider{ID: "sakura", Name: "さくらのレンタルサーバ", Auth: passwordOnly(), Help: own("Sakura's control panel", "さくらのコントロールパネル")},
			domains:  []string{".sakura.ne.jp"}, mx: []string{"sakura.ne.jp"}, place: atDomain,
		},
		{
			Provider: crm.Provider{ID: "conoha", Name: "ConoHa WING", Auth: passwordOnly(), Help: own("ConoHa's control panel", "ConoHa のコントロールパネル")},
			mx:       []string{"conoha.ne.jp"}, place: atMX,
		},
		{
			Provider: crm.Provider{ID: "onamae", Name: "お名前.com レンタルサーバー", Auth: passwordOnly(), Help: own("Onamae.com's control panel", "お名前.com のコントロールパネル")},
			mx:       []string{"onamae.ne.jp"}, place: atMX, smtp: submission(""),
		},
		{
			Provider: crm.Provider{ID: "lolipop", Name: "ロリポップ!", Auth: passwordOnly(), Help: own("Lolipop's user page", "ロリポップ!のユーザー専用ページ")},
			mx:       []string{"lolipop.jp"}, host: "imap.lolipop.jp", smtp: submission("smtp.lolipop.jp"),
		},
		{
			Provider: crm.Provider{
				ID: "kagoya", Name: "KAGOYA", Auth: passwordOnly(),
				Help: crm.Bilingual{
					EN: "KAGOYA gives each customer a server and a user name of their own; both stand in its control panel, under mail accounts. Enter them by hand, with port 993 and TLS.",
					JA: "KAGOYA ではお客様ごとに受信サーバー名とユーザー名が異なります。コントロールパネルのメールアカウント情報で確認し、ポート 993(TLS)で入力してください。",
				},
			},
			mx: []string{"kagoya.net"}, place: unknown,
		},
	}
}
