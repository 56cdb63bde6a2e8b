package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"mailsyncd.example/crm/servertest"
)

// findBinaries returns the folder of initdb and postgres, the newest where
// there are several: Debian keeps them out of the PATH.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", ErrMissing
	}
	return filepath.Dir(slices.Max(found)), nil
}

// command runs a program of PostgreSQL, which refuses to run as root: then it
// runs as the user postgres.
func (s *Server) command(name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	if os.Geteuid() != 0 {
		return cmd, nil
	}
	uid, gid, err := servant()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd, err
}

// servant is the user that the package postgresql makes.
func servant() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres: %w", err)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

// initialize makes a cluster. Its order of text is one of a language, not that
// of bytes, so that tests find what relies on the latter without saying so.
func (s *Server) initialize() error {
	if os.Geteuid() == 0 {
		uid, gid, err := servant()
		if err != nil {
			return err
		}
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(Password), 0o644); err != nil {
		return err
	}
	cmd, err := s.command("initdb", "--pgdata="+s.data(), "--username="+User, "--pwfile="+secret, "--no-sync",
		"--auth-local=trust", "--auth-host=scram-sha-256",
		"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=und")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	settings := []string{
		"listen_addresses = '127.0.0.1'", "unix_socket_directories = '" + s.dir + "'",
		"max_connections = 200", "log_checkpoints = off", "deadlock_timeout = 100ms",
	}
	if s.Durable {
		settings = append(settings, "shared_buffers = 256MB", "max_wal_size = 4GB")
	} else {
		// What was committed is the kernel's: it survives a Kill.
		settings = append(settings, "shared_buffers = 64MB", "fsync = off", "full_page_writes = off")
	}
	conf, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(conf, strings.Join(settings, "\n")+"\n")
	return errors.Join(err, conf.Close())
}

// place is the folder for folders: making a database makes 300 files, which
// takes ten times as long on a disk as in memory.
func (s *Server) place() string {
	const memory, enough = "/dev/shm", 1 << 30
	var fs syscall.Statfs_t
	if s.Durable || syscall.Statfs(memory, &fs) != nil || fs.Bavail*uint64(fs.Bsize) < enough {
		return ""
	}
	return memory
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// begin starts the server and returns once it lets somebody in.
func (s *Server) begin() (*servertest.Process, error) {
	cmd, err := s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port))
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	return servertest.Begin(cmd, syscall.SIGQUIT, s.knock)
}

// knock opens and closes a connection.
func (s *Server) knock() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// Start runs the server after a Stop or Kill, on the same port with the same
// data.
func (s *Server) Start() error { return s.runner.Start(s.begin) }

// Stop ends the server in good order, but does not wait for its clients.
func (s *Server) Stop() { s.runner.End(syscall.SIGINT, nil) }

// Kill ends all of the server's processes at once, as a power cut would; it
// has to recover when it is started again.
func (s *Server) Kill() { s.runner.End(syscall.SIGQUIT, nil) }

// Restart is Stop and Start.
func (s *Server) Restart() error {
	s.Stop()
	return s.Start()
}
