package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"mailsyncd.example/crm"
	"mailsyncd.example/sync/dovecottest"
)

// deployed is the path of a file of deploy/.
func deployed(name string) string {
	return filepath.Join("..", "..", "deploy", filepath.FromSlash(name))
}

// settingNames are the names of all settings.
func settingNames() (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name := field.Tag.Get("setting"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func TestSampleConfigurationIsCurrent(t *testing.T) {
	code, sample, stderr := run(t, nil, "config")
	if code != exitOK || stderr != "" {
		t.Fatalf("code %d, %s", code, stderr)
	}
	if sample != document(t, "deploy/mailsyncd.conf.sample") {
		t.Error("deploy/mailsyncd.conf.sample is out of date; say: bin/mailsyncd config > deploy/mailsyncd.conf.sample")
	}
	shown := regexp.MustCompile(`(?m)^#(MAILSYNC_[A-Z_]+)=(.+)$`).FindAllStringSubmatch(sample, -1)
	if len(shown) != len(settingNames()) {
		t.Errorf("%d settings have a value in the sample, of %d; sample.go gives one to those without a default", len(shown), len(settingNames()))
	}
	dir := t.TempDir()
	conf, file := filepath.Join(dir, "conf"), filepath.Join(dir, "file")
	write(t, file, "")
	set := regexp.MustCompile(`(?m)^#(MAILSYNC_)`).ReplaceAllString(sample, "$1")
	write(t, conf, regexp.MustCompile(`/etc/mailsyncd/.+`).ReplaceAllString(set, file))
	understood(t, nil, "--config", conf, "--data-dir", dir)
}

// understood tells whether a configuration is one. It does not work with it.
func understood(t *testing.T, env []string, args ...string) {
	t.Helper()
	ended, end := context.WithCancel(t.Context())
	end()
	var stderr bytes.Buffer
	p := Program{Args: append([]string{"doctor"}, args...), Env: env, Stdout: &bytes.Buffer{}, Stderr: &stderr}
	if code := p.Run(ended); code == exitUsage {
		t.Errorf("not understood: %s", stderr.String())
	}
}

// Whatever deploy/ sets is a setting.
func TestDeployNamesSettingsThatExist(t *testing.T) {
	name := regexp.MustCompile(`MAILSYNC_[A-Z_]+`)
	known := settingNames()
	found := 0
	err := filepath.WalkDir(deployed(""), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, used := range name.FindAllString(string(content), -1) {
			found++
			if !slices.Contains(known, used) {
				t.Errorf("%s sets %s, which is no setting", path, used)
			}
		}
		return err
	})
	if err != nil || found < 20 {
		t.Errorf("%d names found, %v", found, err)
	}
}

// The unit is as locked up as systemd's own judge calls OK.
func TestServiceIsLockedUp(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", deployed("mailsyncd.service")).CombinedOutput()
	if err != nil || !regexp.MustCompile(`Overall exposure level.*OK`).Match(out) {
		t.Errorf("%v\n%s", err, out)
	}
}

// parseYAML reads all documents of a file.
func parseYAML(t *testing.T, name string) (docs []map[string]any) {
	t.Helper()
	content, err := os.ReadFile(deployed(name))
	if err != nil {
		t.Fatal(err)
	}
	for in := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var doc map[string]any
		if err := in.Decode(&doc); err != nil {
			if err.Error() == "EOF" {
				return docs
			}
			t.Fatalf("%s: %v", name, err)
		}
		docs = append(docs, doc)
	}
}

// at follows a path of keys, and of indexes of lists.
func at(t *testing.T, doc any, path ...any) any {
	t.Helper()
	for _, step := range path {
		var ok bool
		switch key := step.(type) {
		case string:
			var m map[string]any
			if m, ok = doc.(map[string]any); ok {
				doc, ok = m[key]
			}
		case int:
			var l []any
			if l, ok = doc.([]any); ok && key < len(l) {
				doc = l[key]
			}
		}
		if !ok {
			t.Fatalf("there is no %v in %v", path, doc)
		}
	}
	return doc
}

func TestKubernetes(t *testing.T) {
	kinds := map[string]map[string]any{}
	for _, doc := range parseYAML(t, "kubernetes.yaml") {
		kinds[at(t, doc, "kind").(string)] = doc
	}
	image := dockerfile(t)
	deployment := kinds["Deployment"]
	labels := at(t, deployment, "spec", "template", "metadata", "labels")
	for kind, path := range map[string][]any{
		"Deployment": {"spec", "selector", "matchLabels"}, "Service": {"spec", "selector"}, "PodDisruptionBudget": {"spec", "selector", "matchLabels"},
	} {
		if got := at(t, kinds[kind], path...); !reflect.DeepEqual(got, labels) {
			t.Errorf("the %s selects %v, the pods are %v", kind, got, labels)
		}
	}
	pod := at(t, deployment, "spec", "template", "spec")
	if got := at(t, pod, "securityContext", "runAsUser"); strconv.Itoa(got.(int)) != image.user {
		t.Errorf("runs as %v, the image's user is %s", got, image.user)
	}
	if grace := at(t, pod, "terminationGracePeriodSeconds").(int); float64(grace) <= stopTimeout.Seconds() {
		t.Errorf("%d s to stop, and it takes up to %s", grace, stopTimeout)
	}
	container := at(t, pod, "containers", 0)
	env := map[string]any{}
	for _, e := range at(t, container, "env").([]any) {
		env[at(t, e, "name").(string)] = at(t, e, "value")
	}
	for name, value := range image.env {
		if env[name] != value {
			t.Errorf("%s is %v, the image's is %s", name, env[name], value)
		}
	}
	if got := at(t, container, "ports", 0, "containerPort"); strconv.Itoa(got.(int)) != image.port {
		t.Errorf("port %v, the image's is %s", got, image.port)
	}
	if got := at(t, container, "volumeMounts", 0, "mountPath"); got != image.env["MAILSYNC_DATA_DIR"] {
		t.Errorf("the volume is at %v, the data in %s", got, image.env["MAILSYNC_DATA_DIR"])
	}
	daemon := serve(t, t.TempDir())
	for _, probe := range []string{"livenessProbe", "readinessProbe", "startupProbe"} {
		path := at(t, container, probe, "httpGet", "path").(string)
		if err := daemon.call(t.Context(), http.MethodGet, path, nil, nil); err != nil {
			t.Errorf("%s: %v", probe, err)
		}
	}
	config := kinds["ConfigMap"]["data"].(map[string]any)
	c := Config{BlobURL: config["MAILSYNC_BLOB_URL"].(string), PollInterval: 1, HostConns: 1, HostLogins: 1}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestCompose(t *testing.T) {
	compose := parseYAML(t, "compose.yaml")[0]
	services := at(t, compose, "services").(map[string]any)
	image := dockerfile(t)
	daemons := 0
	for name, s := range services {
		service := s.(map[string]any)
		if service["image"] == nil {
			t.Errorf("%s has no image", name)
		}
		needs, _ := service["depends_on"].(map[string]any)
		for needed := range needs {
			if services[needed] == nil {
				t.Errorf("%s depends on %s, which is not there", name, needed)
			}
		}
		volumes, _ := service["volumes"].([]any)
		for _, v := range volumes {
			source, _, _ := strings.Cut(v.(string), ":")
			if _, err := os.Stat(deployed(source)); strings.HasPrefix(source, "./") && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !strings.HasPrefix(name, "mailsyncd-") {
			continue
		}
		daemons++
		if got := at(t, service, "build", "dockerfile"); got != "deploy/Dockerfile" {
			t.Errorf("built from %v", got)
		}
		if mount := at(t, service, "volumes", 0).(string); !strings.HasSuffix(mount, ":"+image.env["MAILSYNC_DATA_DIR"]) {
			t.Errorf("the volume is %s, the data in %s", mount, image.env["MAILSYNC_DATA_DIR"])
		}
		if port := at(t, service, "ports", 0).(string); !strings.HasSuffix(port, ":"+image.port) {
			t.Errorf("the port is %s, the image's %s", port, image.port)
		}
		var env []string
		for name, value := range at(t, service, "environment").(map[string]any) {
			env = append(env, name+"="+value.(string))
		}
		understood(t, env, "--data-dir", t.TempDir())
	}
	if daemons != 2 {
		t.Errorf("%d daemons", daemons)
	}
}

// The office of the compose file is set up by its script, run here against
// this daemon and a Dovecot of the test's. Of its own Dovecot's configuration
// only the grammar is checked.
func TestComposeOffice(t *testing.T) {
	dovecot := dovecottest.Start(t)
	if out, err := exec.CommandContext(t.Context(), "doveconf", "-n", "-c", deployed("compose/dovecot.conf")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if err := dovecot.AddUser("dan@acme.example", "demo"); err != nil {
		t.Fatal(err)
	}
	daemon := serve(t, t.TempDir())
	script := exec.CommandContext(t.Context(), "sh", deployed("compose/office.sh"))
	script.Env = append(os.Environ(), "URL="+daemon.url, "OPERATOR="+string(daemon.token), "IMAP_HOST="+dovecottest.Host, "IMAP_PORT="+strconv.Itoa(dovecot.IMAPPort))
	out, err := script.CombinedOutput()
	if err != nil || strings.Count(string(out), `"subject":"An offer, please"`) != 1 || strings.Contains(string(out), "appointment") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What the rules and the dashboard ask for is what a daemon exports that has
// worked a little.
func TestMetricsOfRulesAndDashboardExist(t *testing.T) {
	exported := exportedMetrics(t)
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	content, err := os.ReadFile(deployed("alerts.yaml"))
	if err == nil {
		err = yaml.Unmarshal(content, &rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]string{}
	for _, group := range rules.Groups {
		for _, r := range group.Rules {
			asked["the alert "+r.Alert] = r.Expr
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("the alert %q lacks its severity, summary or description", r.Alert)
			}
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(document(t, "deploy/dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			asked["the panel "+panel.Title] += " + " + target.Expr
		}
	}
	for _, doc := range parseYAML(t, "kubernetes.yaml") {
		if doc["kind"] == "HorizontalPodAutoscaler" {
			asked["the autoscaler"] = at(t, doc, "spec", "metrics", 0, "pods", "metric", "name").(string)
		}
	}
	if len(asked) < 30 {
		t.Errorf("only %d expressions found", len(asked))
	}
	for who, expr := range asked {
		names := metricNames(expr)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing: %s", who, expr)
		}
		for _, name := range names {
			if !exported[name] {
				t.Errorf("%s asks for %s, which no daemon exports", who, name)
			}
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		return // what it would find beyond this is seen when the rules are written
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", deployed("alerts.yaml")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// metricNames finds the metrics in an expression of PromQL: names that are no
// function, keyword, label, or duration.
func metricNames(expr string) (names []string) {
	for _, leave := range []string{`"[^"]*"`, `\{[^}]*\}`, `\[[^\]]*\]`, `\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)`} {
		expr = regexp.MustCompile(leave).ReplaceAllString(expr, " ")
	}
	for _, m := range regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)( *\()?`).FindAllStringSubmatch(expr, -1) {
		if m[2] == "" && !slices.Contains([]string{"and", "or", "unless", "bool", "offset", "sum", "max", "min", "avg", "count"}, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

func TestMetricNames(t *testing.T) {
	for expr, want := range map[string][]string{
		`up{job="x"} == 0`: {"up"},
		`sum by (result) (rate(a_total{result!="ok"}[5m])) / sum(b_total offset 1h) > 0.1`: {"a_total", "b_total"},
		`histogram_quantile(0.99, sum by (le) (rate(c_bucket[5m])))`:                       {"c_bucket"},
		`time() - d > 60 and d > 0`: {"d", "d"},
	} {
		got := slices.DeleteFunc(metricNames(expr), func(name string) bool { return name == "h" })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

// exportedMetrics are the names of all series of a daemon that has worked:
// read a mailbox, been refused by one, and posted to a webhook.
func exportedMetrics(t *testing.T) map[string]bool {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer receiver.Close()
	crew, _ := newTeam(t)
	f := openFirm(t, serve(t, crew.dir, crew.args...), dovecottest.Start(t), "elena@rossi.example")
	f.mailbox("dan@acme.example")
	dan := f.user("dan", crm.RoleUser)
	l := f.link(dan, "dan@acme.example")
	hook := call[struct{ ID string }](t, f.key, http.MethodPost, "/v1/webhooks", map[string]any{"url": receiver.URL})
	do(t, f.key, http.MethodPost, "/v1/webhooks/"+hook.ID+"/test", nil)
	f.look(dan, l)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.daemon.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+string(f.daemon.token))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"up": true} // Prometheus' own
	for _, m := range regexp.MustCompile(`(?m)^([a-zA-Z_:][a-zA-Z0-9_:]*)[ {]`).FindAllStringSubmatch(text.String(), -1) {
		names[m[1]] = true
	}
	if len(names) < 30 {
		t.Fatalf("only %v", slices.Sorted(maps.Keys(names)))
	}
	return names
}
