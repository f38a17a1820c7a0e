package process

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func shell(script string) Command { return Command{Path: "sh", Arguments: []string{"-c", script}} }

func TestStart_ServerThatListens_IsMeasuredAndEnded(t *testing.T) {
	cores, err := Choose()
	require.NoError(t, err)
	for _, cores := range []Cores{cores, Anywhere} {
		s, err := Start(cores, shell(`echo '{"listening":4711}'; read end; true`))
		require.NoError(t, err)
		assert.Equal(t, "127.0.0.1:4711", s.Address())
		cpu, err := s.CPU()
		require.NoError(t, err)
		assert.Positive(t, cpu)
		rss, err := s.RSS()
		require.NoError(t, err)
		assert.Greater(t, rss, int64(64<<10))
		var on unix.CPUSet
		require.NoError(t, unix.SchedGetaffinity(s.command.Process.Pid, &on))
		assert.Equal(t, cores.Pinned(), on.Count() == 1 && on.IsSet(max(cores.Server, 0)))
		require.NoError(t, s.End())
	}
}

func TestStart_ServerThatDoesNot_SaysWhy(t *testing.T) {
	_, err := Start(Anywhere, shell("echo hello"))
	require.ErrorContains(t, err, "hello")
	_, err = Start(Anywhere, shell("exit 3"))
	require.ErrorContains(t, err, "exit status 3")
	_, err = Start(Anywhere, Command{Path: "no-such-program"})
	require.ErrorContains(t, err, "no-such-program")
}

func TestKill_ServerThatStays_HasGone(t *testing.T) {
	s, err := Start(Anywhere, shell(`echo '{"listening":1}'; trap '' HUP; while :; do read line || sleep 1; done`))
	require.NoError(t, err)
	s.Kill()
	_, err = s.CPU()
	require.Error(t, err)
	_, err = s.RSS()
	require.Error(t, err)
}

func TestRSSIn_Rollup_BytesOfTheLine(t *testing.T) {
	rss, err := rssIn([]byte("55-7f ---p 00000000 00:00 0    [rollup]\nRss:                1234 kB\nPss:                 567 kB\n"))
	require.NoError(t, err)
	assert.EqualValues(t, 1234<<10, rss)
	for _, text := range []string{"", "Rss: x kB\n", "Pss: 1 kB\n"} {
		_, err := rssIn([]byte(text))
		require.Error(t, err)
	}
}

func TestOwnThreadCPU_Work_Grows(t *testing.T) {
	before, err := OwnThreadCPU()
	require.NoError(t, err)
	after := before
	for after == before {
		after, err = OwnThreadCPU()
		require.NoError(t, err)
	}
	assert.Greater(t, after, before)
}

func TestBusyIn_Statistics_AllButIdle(t *testing.T) {
	busy, err := busyIn([]byte("cpu  1 2 3 1000 2000 4 5 6 7 8\ncpu0 1 1 1 1 1 1 1 1 1 1\n"))
	require.NoError(t, err)
	assert.Equal(t, 210*time.Millisecond, busy)
	for _, text := range []string{"", "cpu 1 2\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu x 2 3 4 5 6 7 8\n"} {
		_, err := busyIn([]byte(text))
		require.Error(t, err)
	}
}

func TestMachineCPU_OwnWork_IsPartOfIt(t *testing.T) {
	all, err := MachineCPU()
	require.NoError(t, err)
	own, err := OwnCPU()
	require.NoError(t, err)
	assert.Positive(t, own)
	assert.Positive(t, all)
}

func TestStartRedis_Server_AnswersUntilItsEnd(t *testing.T) {
	r, err := StartRedis(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, ping(r.Address))
	r.End()
	require.Error(t, ping(r.Address))
	t.Setenv("PATH", t.TempDir())
	_, err = StartRedis(t.TempDir())
	require.ErrorContains(t, err, "redis-server")
}

func TestModelIn_Processors_TheNameOfTheFirstThatHasOne(t *testing.T) {
	assert.Equal(t, "Some CPU @ 2.5GHz", modelIn([]byte("processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU @ 2.5GHz\nmodel name\t: another\n")))
	assert.Equal(t, "an unknown processor", modelIn([]byte("processor : 0\n")))
	assert.NotEmpty(t, CPUModel())
}
