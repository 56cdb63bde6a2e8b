package main

import (
	"database/sql"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

// What keeps the daemon from starting is one sentence and exit code 1.
func TestServeSaysWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	inUse := serve(t, t.TempDir())
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	tokenless := t.TempDir()
	write(t, filepath.Join(tokenless, "operator-token"), "\n")
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"data folder is a file", []string{"--data-dir", file}, "data folder"},
		{"data folder in a file", []string{"--data-dir", filepath.Join(file, "data")}, "data folder"},
		{"address taken", []string{"--listen", taken.Addr().String()}, "--listen"},
		{"second daemon", []string{"--data-dir", inUse.dataDir}, "Another process"},
		{"newer database", []string{"--data-dir", newerDatabase(t)}, "newer mailsyncd"},
		{"no token in the file", []string{"--data-dir", tokenless}, "holds no token"},
		{"CA file without certificates", []string{"--ca-file", file}, "certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := run(t, nil, serveArgs(t.TempDir(), c.args...)...)
			if code != exitProblem || stdout != "" {
				t.Errorf("code %d, stdout %q", code, stdout)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
				t.Errorf("stderr is %q, want one line about %q", stderr, c.want)
			}
		})
	}
}

// The operator's token is the operator's choice. A short one is warned of.
func TestShortOperatorToken(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "operator-token"), "secret\n")
	for _, more := range [][]string{nil, {"--operator-token", "secret"}} {
		d := serve(t, dir, more...)
		d.log.waitText("can be guessed")
		if d.token != "secret" {
			t.Errorf("the token is %q", string(d.token))
		}
		do(t, d.client, http.MethodGet, "/v1/accounts", nil)
		d.stop()
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newerDatabase is a data folder whose database a later version has written.
func newerDatabase(t *testing.T) string {
	t.Helper()
	c := Config{DataDir: t.TempDir()}
	if code, _, stderr := run(t, nil, "migrate", "--data-dir", c.DataDir); code != exitOK {
		t.Fatal(stderr)
	}
	db, err := sql.Open("sqlite", c.databaseFile())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	return c.DataDir
}

func TestWrongConfigurationIsAMatterOfUsage(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "conf")
	write(t, conf, "# a comment\nMAILSYNC_LISTEN=127.0.0.1:0\nMAILSYNC_LISTNE=x\n")
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"no such flag", nil, []string{"--nonsense"}, "--nonsense"},
		{"no duration", []string{"MAILSYNC_POLL_INTERVAL=soon"}, nil, "--poll-interval"},
		{"no time at all", []string{"MAILSYNC_POLL_INTERVAL=0s"}, nil, "above zero"},
		{"no connections", []string{"MAILSYNC_HOST_CONNECTIONS=0"}, nil, "--host-connections"},
		{"no logins", nil, []string{"--host-logins=-1"}, "--host-logins"},
		{"no network", nil, []string{"--allow-networks", "10.0.0.1/33"}, "--allow-networks"},
		{"another database", []string{"MAILSYNC_DATABASE_URL=mysql://x"}, nil, "--database-url"},
		{"another store of mail", nil, []string{"--blob-url", "gs://mail"}, "--blob-url"},
		{"credentials in a URL", []string{"MAILSYNC_BLOB_URL=s3://key:secret@mail"}, nil, "AWS_ACCESS_KEY_ID"},
		{"a folder that is no path", nil, []string{"--blob-url", "file://mail"}, "--blob-url"},
		{"misspelt in the file", nil, []string{"--config", conf}, "line 3"},
		{"no such file", nil, []string{"--config", conf + "x"}, "conf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := run(t, c.env, append([]string{"serve"}, c.args...)...)
			if code != exitUsage || !strings.Contains(stderr, c.want) {
				t.Errorf("code %d, stderr %q, want %q", code, stderr, c.want)
			}
		})
	}
}

func TestUnknownSettings(t *testing.T) {
	env := []string{"MAILSYNC_LISTEN=x", "MAILSYNC_TOKEN=x", "MAILSYNC_LISTNE=x", "HOME=/", "MAILSYNC_REDIS=x"}
	if got, want := unknownSettings(env), []string{"MAILSYNC_LISTNE", "MAILSYNC_REDIS"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Networks are read as people write them: with a space after the comma, or a
// single machine by its address.
func TestNetworks(t *testing.T) {
	dir := t.TempDir()
	env := []string{"MAILSYNC_ALLOW_NETWORKS= 10.0.0.0/8, 192.168.1.7,::1/128,", "MAILSYNC_LISTEN=127.0.0.1:0", "MAILSYNC_DATA_DIR=" + dir}
	code, stdout, stderr := run(t, env, "doctor")
	if want := "[10.0.0.0/8 192.168.1.7/32 ::1/128]"; code != exitOK || !strings.Contains(stdout, want) {
		t.Errorf("code %d, stderr %q, want %s in:\n%s", code, stderr, want, stdout)
	}
}

// Flags win over the environment, and the environment over the file.
func TestWhichSettingWins(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	write(t, conf, "MAILSYNC_DATA_DIR="+filepath.Join(dir, "file")+"\n")
	env := []string{"MAILSYNC_DATA_DIR=" + filepath.Join(dir, "environment")}
	for _, c := range []struct {
		name string
		env  []string
		args []string
	}{
		{"file", nil, []string{"--config", conf}},
		{"environment", env, []string{"--config", conf}},
		{"flag", env, []string{"--config", conf, "--data-dir", filepath.Join(dir, "flag")}},
	} {
		if code, _, stderr := run(t, c.env, append([]string{"migrate"}, c.args...)...); code != exitOK {
			t.Fatal(stderr)
		}
		if _, err := os.Stat(filepath.Join(dir, c.name, "mailsync.db")); err != nil {
			t.Errorf("the %s did not win: %v", c.name, err)
		}
	}
}

func TestSecretsAreMadeOnceAndForTheirOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	first := serve(t, dir)
	first.stop()
	second := serve(t, dir)
	if first.token != second.token {
		t.Error("a second start has made another operator's token")
	}
	for _, name := range []string{"operator-token", "keyset.json", "mailsync.db"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %04o", name, mode)
		}
	}
	if strings.Contains(second.log.String(), string(second.token)) {
		t.Error("the operator's token is in the log")
	}
}

func TestServiceAnswers(t *testing.T) {
	daemon := serve(t, t.TempDir())
	for path, want := range map[string]int{
		"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/openapi.json": http.StatusOK,
		"/metrics": http.StatusUnauthorized, "/v1/accounts": http.StatusUnauthorized,
	} {
		response, err := http.Get(daemon.url + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, response.StatusCode, want)
		}
	}
}

func TestDoctor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if code, stdout, stderr := run(t, nil, "doctor", "--data-dir", dir, "--listen", "127.0.0.1:0"); code != exitOK {
		t.Fatalf("before the first start: %s%s", stdout, stderr)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("doctor has made the data folder")
	}
	daemon := serve(t, dir)
	address := strings.TrimPrefix(daemon.url, "http://")
	if code, stdout, stderr := run(t, nil, "doctor", "--data-dir", dir, "--listen", address); code != exitOK || !strings.Contains(stdout, "answers") {
		t.Errorf("while the daemon runs: %s%s", stdout, stderr)
	}
	daemon.stop()
	if err := os.Chmod(filepath.Join(dir, "keyset.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ := run(t, nil, "doctor", "--data-dir", dir, "--listen", "127.0.0.1:0", "--json")
	var findings []finding
	if err := json.Unmarshal([]byte(stdout), &findings); err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if f.OK == (f.Name == "keyset") {
			t.Errorf("%s: ok is %v: %s", f.Name, f.OK, f.Detail)
		}
	}
	if code != exitProblem {
		t.Errorf("code %d", code)
	}
	if _, stdout, _ := run(t, nil, "doctor", "--data-dir", newerDatabase(t)); !strings.Contains(stdout, "problem  database") {
		t.Errorf("a newer database is no problem: %s", stdout)
	}
}

func TestSentence(t *testing.T) {
	inner := crm.Wrap(crm.Unavailable, "code", "Do this.", os.ErrPermission)
	if got, want := sentence(inner), "Do this. (permission denied)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
