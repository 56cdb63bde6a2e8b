package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"mailsyncd.example/cmd/mailsyncd/trust"
	"mailsyncd.example/crm"
	"mailsyncd.example/crm/api/gate"
)

type doctorCommand struct {
	Config
	JSON bool `help:"Print the findings as JSON."`
}

// Help is the long help text.
func (doctorCommand) Help() string {
	return "Goes through what the daemon needs, with the configuration that serve would use, and " +
		"changes nothing. Each line says that a thing is in order, or what is wrong and what to do. " +
		"The exit code is 1 where there is a problem. It may be run while the daemon runs."
}

// finding is what doctor says of one thing.
type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// errFindings is what doctor ends with when it has found a problem.
var errFindings = errors.New("there are problems; see above")

// enoughSpace is how many bytes should be free in the data folder.
const enoughSpace = 1 << 30

// Run checks everything, one line each.
func (c doctorCommand) Run(ctx context.Context, p Program) error {
	checks := []struct {
		name  string
		check func(context.Context) (string, error)
	}{
		{"data folder", c.checkFolder},
		{"free space", c.checkSpace},
		{"database", c.checkDatabase},
		{"raw mail", c.checkBlobs},
		{"redis", c.checkRedis},
		{"keyset", c.checkKeyset},
		{"operator token", c.checkToken},
		{"listen address", c.checkListen},
		{"allowed networks", c.checkNetworks},
		{"CA file", c.checkCAFile},
		{"clock", c.checkClock},
	}
	findings := make([]finding, 0, len(checks))
	healthy := true
	for _, check := range checks {
		detail, err := check.check(ctx)
		if err != nil {
			detail, healthy = sentence(err), false
		}
		findings = append(findings, finding{check.name, err == nil, detail})
	}
	if err := c.print(p, findings); err != nil {
		return err
	}
	if !healthy {
		return errFindings
	}
	return nil
}

func (c doctorCommand) print(p Program, findings []finding) error {
	if c.JSON {
		out := json.NewEncoder(p.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(findings)
	}
	for _, f := range findings {
		mark := "ok     "
		if !f.OK {
			mark = "problem"
		}
		if _, err := fmt.Fprintf(p.Stdout, "%s  %-16s  %s\n", mark, f.Name, f.Detail); err != nil {
			return err
		}
	}
	return nil
}

func (c doctorCommand) checkFolder(context.Context) (string, error) {
	info, err := os.Stat(c.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return c.DataDir + " is made on first start", checkParent(c.DataDir)
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is no folder; name another one with --data-dir", c.DataDir)
	}
	return c.DataDir + " can be written", checkWritable(c.DataDir)
}

// checkParent tells whether a folder that is not there yet can be made.
func checkParent(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for parent := filepath.Dir(abs); ; parent = filepath.Dir(parent) {
		if _, err := os.Stat(parent); err == nil {
			return checkWritable(parent)
		}
		if parent == filepath.Dir(parent) {
			return fmt.Errorf("%s can't be made", dir)
		}
	}
}

// checkWritable writes a file into dir and takes it away again.
func checkWritable(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-")
	if err != nil {
		return errUnwritable(dir, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// errUnwritable is what to say of a data folder that can't be written.
func errUnwritable(dir string, err error) error {
	return crm.Wrap(crm.Unavailable, "data_dir_unwritable",
		fmt.Sprintf("The data folder %s can't be written; give its owner the right to, or name another one with --data-dir.", dir), err)
}

func (c doctorCommand) checkSpace(context.Context) (string, error) {
	dir := c.DataDir
	for {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	free, err := freeSpace(dir)
	if err != nil {
		return "", err
	}
	if free < enoughSpace {
		return "", fmt.Errorf("only %d MiB are free in %s; make room for the mail that will come", free>>20, dir)
	}
	return fmt.Sprintf("%d GiB are free", free>>30), nil
}

func (c doctorCommand) checkListen(ctx context.Context) (string, error) {
	listener, err := net.Listen("tcp", c.Listen)
	if err == nil {
		return c.Listen + " is free", listener.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, asked := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Listen+"/healthz", nil)
	if asked != nil {
		return "", asked
	}
	response, asked := http.DefaultClient.Do(request)
	if asked == nil {
		defer response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return "mailsyncd answers at " + c.Listen, nil
		}
	}
	return "", errListen(c.Listen, err)
}

// errListen is what to say of an address at which nobody can listen.
func errListen(address string, err error) error {
	return crm.Wrap(crm.Unavailable, "listen_failed",
		fmt.Sprintf("Nothing can listen at %s; stop what does, or name another address with --listen.", address), err)
}

func (c doctorCommand) checkNetworks(context.Context) (string, error) {
	for _, network := range c.AllowNetworks {
		if network.Bits() == 0 {
			return "", fmt.Errorf("%s allows every address there is; name the networks of your mail servers", network)
		}
	}
	if len(c.AllowNetworks) == 0 {
		return "only public addresses are dialled", nil
	}
	return fmt.Sprintf("public addresses and %v are dialled", c.AllowNetworks), nil
}

func (c doctorCommand) checkCAFile(context.Context) (string, error) {
	if c.CAFile == "" {
		return "the system's certificates are trusted", nil
	}
	certificates, err := trust.Read(c.CAFile)
	if err != nil {
		return "", err
	}
	for _, cert := range certificates {
		if time.Now().After(cert.NotAfter) {
			return "", fmt.Errorf("the certificate of %s in %s ended on %s; replace it",
				cert.Subject, c.CAFile, cert.NotAfter.Format(time.DateOnly))
		}
	}
	return fmt.Sprintf("%d certificates of %s are trusted too", len(certificates), c.CAFile), nil
}

func (c doctorCommand) checkToken(context.Context) (string, error) {
	if c.OperatorToken != "" {
		return "given by the configuration", gate.CheckStrength(crm.Secret(c.OperatorToken))
	}
	return checkPrivate(c.operatorTokenFile())
}

// checkPrivate tells whether a file that holds a secret is its owner's alone.
func checkPrivate(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path + " is made on first start", nil
	}
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %04o); say: chmod 600 %s", path, mode, path)
	}
	return path + " is its owner's alone", nil
}

// checkClock compares the clock with the last change of the database: mail is
// imported by date, so a clock that has gone back loses none but confuses all.
func (c doctorCommand) checkClock(context.Context) (string, error) {
	now := time.Now()
	info, err := os.Stat(c.databaseFile())
	if err == nil && info.ModTime().After(now.Add(time.Minute)) {
		return "", fmt.Errorf("it is %s here, but the database was changed at %s; set the clock",
			now.UTC().Format(time.RFC3339), info.ModTime().UTC().Format(time.RFC3339))
	}
	return now.UTC().Format(time.RFC3339), nil
}
