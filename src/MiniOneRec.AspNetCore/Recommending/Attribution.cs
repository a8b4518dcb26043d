using Microsoft.Extensions.Options;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>Remembers the last recommendations and counts those that were followed by an event of one of their items.</summary>
/// <remarks>
/// An event names its recommendation, or belongs to the last one that its user got. A recommendation counts once. The memory is bounded,
/// belongs to this process, and forgets the oldest first.
/// </remarks>
internal sealed class Attribution(IOptions<ServingOptions> options, ServingTelemetry telemetry)
{
    /// <summary>The scenario under which further ones are counted once there are <see cref="MostFigures"/>.</summary>
    public const string OtherScenario = "(other)";

    /// <summary>How many pairs of model and scenario are counted apart; callers choose the names of scenarios.</summary>
    public const int MostFigures = 1_000;

    private const double Z = 1.959963984540054;                     // 95 %
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Remembered> _given = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _lastOfUser = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private readonly Dictionary<(string Model, string Scenario), (long Given, long Hits)> _figures = [];

    /// <summary>Remembers an answer.</summary>
    /// <returns>The scenario under which it is counted.</returns>
    public string Given(string id, string model, string scenario, string? user, string[] items)
    {
        lock (_gate)
        {
            if (_figures.Count >= MostFigures && !_figures.ContainsKey((model, scenario)))
            {
                scenario = OtherScenario;
            }

            var (given, hits) = _figures.GetValueOrDefault((model, scenario));
            _figures[(model, scenario)] = (given + 1, hits);
            if (options.Value.RememberedRecommendations == 0)
            {
                return scenario;
            }

            while (_order.Count >= options.Value.RememberedRecommendations)
            {
                Forget(_order.Dequeue());
            }

            _order.Enqueue(id);
            _given[id] = new Remembered(model, scenario, user, items);
            if (user is not null)
            {
                _lastOfUser[user] = id;
            }

            return scenario;
        }
    }

    /// <summary>Counts events that followed recommendations.</summary>
    public void Followed(IEnumerable<StoredEvent> events)
    {
        lock (_gate)
        {
            foreach (var one in events)
            {
                if ((one.RecommendationId ?? _lastOfUser.GetValueOrDefault(one.UserId)) is { } id && _given.TryGetValue(id, out var given)
                    && !given.IsHit && Array.IndexOf(given.Items, one.ItemId) >= 0)
                {
                    given.IsHit = true;
                    var (count, hits) = _figures[(given.Model, given.Scenario)];
                    _figures[(given.Model, given.Scenario)] = (count, hits + 1);
                    telemetry.Hit(given.Model, given.Scenario);
                }
            }
        }
    }

    /// <summary>Forgets what a user got.</summary>
    public void Erase(string user)
    {
        lock (_gate)
        {
            _lastOfUser.Remove(user);
            foreach (string id in _given.Where(pair => pair.Value.User == user).Select(pair => pair.Key).ToArray())
            {
                _given.Remove(id);
            }
        }
    }

    /// <summary>Gets what became of a model's recommendations, by scenario.</summary>
    public IReadOnlyList<ScenarioFigures> Of(string model)
    {
        lock (_gate)
        {
            return
            [
                .. _figures.Where(pair => pair.Key.Model == model).OrderBy(pair => pair.Key.Scenario, StringComparer.Ordinal).Select(pair =>
                {
                    var (low, high) = Interval(pair.Value.Hits, pair.Value.Given);
                    return new ScenarioFigures(pair.Key.Scenario, pair.Value.Given, pair.Value.Hits,
                        (double)pair.Value.Hits / pair.Value.Given,
                        low, high);
                }),
            ];
        }
    }

    /// <summary>Computes Wilson's interval of a share (1927, Eq. 4 in Brown, Cai and DasGupta 2001).</summary>
    internal static (double Low, double High) Interval(long hits, long count)
    {
        double n = count, p = hits / n, square = Z * Z;
        double middle = (p + square / (2 * n)) / (1 + square / n);
        double half = Z / (1 + square / n) * Math.Sqrt(p * (1 - p) / n + square / (4 * n * n));
        return (Math.Max(0, middle - half), Math.Min(1, middle + half));
    }

    private void Forget(string id)
    {
        if (_given.Remove(id, out var old) && old.User is { } user && _lastOfUser.GetValueOrDefault(user) == id)
        {
            _lastOfUser.Remove(user);
        }
    }

    private sealed class Remembered(string model, string scenario, string? user, string[] items)
    {
        public string Model => model;

        public string Scenario => scenario;

        public string? User => user;

        public string[] Items => items;

        public bool IsHit { get; set; }
    }
}
