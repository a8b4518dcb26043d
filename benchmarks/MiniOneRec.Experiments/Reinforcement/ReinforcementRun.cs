using System.Text.Json;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Experiments;

/// <summary>What one run left: where each test row's target stood, and how the training went.</summary>
/// <param name="Set">The data set that was trained on.</param>
/// <param name="On">The data set that was evaluated on.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Arm">The arm; <c>sft</c> for the start.</param>
/// <param name="Users">The user of each test row.</param>
/// <param name="Ranks">The target's place at the strict item level, zero-based, or −1.</param>
/// <param name="Training">Figures of the training by name.</param>
internal sealed record ReinforcementRun(
    string Set, string On, int Seed, string Arm, IReadOnlyList<string> Users, IReadOnlyList<int> Ranks, IReadOnlyDictionary<string,
    double> Training)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Whether this is the run that is asked for.</summary>
    public bool Is(string set, string on, int seed, string arm) => (Set, On, Seed, Arm) == (set, on, seed, arm);

    /// <summary>Reads what earlier calls finished; a line that was cut off is left out.</summary>
    public static List<ReinforcementRun> Load(string path)
    {
        var runs = new List<ReinforcementRun>();
        foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            try
            {
                runs.Add(JsonSerializer.Deserialize<ReinforcementRun>(line, Json)!);
            }
            catch (JsonException)
            {
                // The process died while it wrote; the run is made again.
            }
        }

        return runs;
    }

    /// <summary>Adds a line.</summary>
    public void Append(string path) => File.AppendAllText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Puts the rows of several seeds together, so that a bootstrap draws a user with all its rows.</summary>
    public static EvaluationReport Pool(IEnumerable<ReinforcementRun> runs)
    {
        RankedExample[] ranks =
            [.. runs.SelectMany(run => run.Users.Zip(run.Ranks, (user, rank) => new RankedExample(user, $"{run.Seed}", rank, -1)))];
        return new EvaluationReport { Name = "pooled", Examples = ranks.Length, Cutoffs = [10],
            Item = new MetricTable(new Dictionary<string, double>()), Ranks = ranks };
    }
}
