package actio

// HealthStatus is the health of a server in a word.
type HealthStatus string

// The states of health.
const (
	// HealthStarting: Configure has not succeeded yet.
	HealthStarting HealthStatus = "starting"
	// HealthReady: all is well.
	HealthReady HealthStatus = "ready"
	// HealthDegraded: clients of this instance are served, but the other instances are not reached.
	HealthDegraded HealthStatus = "degraded"
	// HealthDraining: Shutdown is under way.
	HealthDraining HealthStatus = "draining"
	// HealthClosed: Shutdown is over.
	HealthClosed HealthStatus = "closed"
)

// Health is how a server is.
type Health struct {
	// Status in a word.
	Status HealthStatus
	// Reasons why it is degraded.
	Reasons []string
	// Redis is how the connections to Redis are; nil without Redis.
	Redis *RedisStatus
}

// Health tells how the server is. It never blocks.
func (s *Server) Health() Health {
	e := s.live.Load()
	if e == nil {
		select {
		case <-s.done:
			return Health{Status: HealthClosed}
		default:
			return Health{Status: HealthStarting}
		}
	}
	h := Health{Status: HealthReady}
	if bridge := e.bridge.Load(); bridge != nil {
		status := bridge.Status()
		h.Redis = &status
		if !status.Up {
			h.Status, h.Reasons = HealthDegraded, status.Reasons
		}
	}
	if e.draining.Load() {
		h.Status = HealthDraining
		select {
		case <-e.ended:
			h.Status = HealthClosed
		default:
		}
	}
	return h
}
