package dovecottest

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"text/template"
)

// nobody is the user and group as whom a Dovecot that root started touches
// mail; Dovecot refuses to do it as root.
const nobody = 65534

// The configuration for tests: nothing is cached or delayed, nothing synced to
// disk, and nobody counts connections.
const configText = `
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/state
log_path = {{.Dir}}/dovecot.log
login_greeting = test ready
protocols = imap lmtp
listen = {{.Host}}
hostname = mx.test
postmaster_address = postmaster@mx.test
instance_name = {{.Dir}}

{{if .Self}}default_internal_user = {{.Self}}
default_internal_group = {{.Group}}
default_login_user = {{.Self}}
service anvil {
  chroot =
}
service imap-login {
  chroot =
}
service stats {
  chroot =
}
{{else}}mail_uid = {{.Nobody}}
mail_gid = {{.Nobody}}
{{end}}first_valid_uid = 1
first_valid_gid = 1

ssl = yes
ssl_cert = <{{.Dir}}/cert.pem
ssl_key = <{{.Dir}}/key.pem
ssl_dh =
disable_plaintext_auth = no
auth_mechanisms = plain login{{if .OAuth}} xoauth2 oauthbearer{{end}}
auth_cache_size = 0
auth_failure_delay = 0
auth_username_chars =
auth_username_format =

mail_home = {{.Dir}}/mail/%u
mail_location = {{if .Sdbox}}sdbox{{else}}maildir{{end}}:~/box
mail_fsync = never
mail_max_userip_connections = 100000
{{with .Capability}}imap_capability = {{.}}
{{end}}
namespace inbox {
  inbox = yes
{{range .Folders}}{{.}}{{end}}}

{{if .OAuth}}passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {{.Dir}}/oauth2.conf
}
{{end}}passdb {
  driver = passwd-file
  mechanisms = plain login
  args = {{.Dir}}/users/%u
}
userdb {
  driver = passwd-file
  args = {{.Dir}}/users/%u
}

service imap-login {
  service_count = 0
  process_min_avail = 1
  client_limit = 10000
  inet_listener imap {
    port = {{.IMAP}}
  }
  inet_listener imaps {
    port = {{.IMAPS}}
    ssl = yes
  }
}
service imap {
  process_limit = 10000
}
service lmtp {
  process_limit = 100
  inet_listener lmtp {
    port = {{.LMTP}}
  }
}
service auth {
  client_limit = 20000
}
# mode 0 switches off the delays that follow wrong passwords.
service anvil {
  client_limit = 20000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  client_limit = 20000
}
{{range .Settings}}{{.}}
{{end}}`

// oauthText is how Dovecot asks whose a token is, and reads the answer.
const oauthText = `
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
`

// writeConfig writes dovecot.conf for the ports that the server has.
func (s *Server) writeConfig() error {
	self, group, err := whoami()
	if err != nil {
		return err
	}
	t, err := template.New("dovecot.conf").Parse(configText)
	if err != nil {
		return err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Dir": s.dir, "Host": Host, "Self": self, "Group": group, "Nobody": nobody,
		"Sdbox": s.opt.sdbox, "Capability": s.opt.capability(), "Folders": s.opt.folders,
		"OAuth": s.opt.introspect != "",
		"IMAP":  s.IMAPPort, "IMAPS": s.IMAPSPort, "LMTP": s.LMTPPort, "Settings": s.opt.settings,
	})
	if err != nil {
		return err
	}
	oauth := "introspection_url = " + s.opt.introspect + oauthText
	if err := os.WriteFile(filepath.Join(s.dir, "oauth2.conf"), []byte(oauth), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "dovecot.conf"), []byte(b.String()), 0o644)
}

// whoami returns the names under which Dovecot's processes run when an
// ordinary user starts it; empty for root, who has users set aside for that.
func whoami() (name, group string, err error) {
	if os.Geteuid() == 0 {
		return "", "", nil
	}
	u, err := user.Current()
	if err != nil {
		return "", "", err
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return "", "", err
	}
	return u.Username, g.Name, nil
}
