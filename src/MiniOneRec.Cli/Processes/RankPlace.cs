using System.Globalization;

namespace MiniOneRec.Cli.Processes;

/// <summary>The place of this process among those that <c>mpirun</c>, <c>mpiexec</c> or <c>srun</c> started, by their environment
/// variables.</summary>
/// <param name="Rank">Its number, from 0.</param>
/// <param name="Size">The number of processes; 1 where no launcher started this one.</param>
internal readonly record struct RankPlace(int Rank, int Size)
{
    /// <summary>The variable that the tool sets for processes which it starts itself: a file for the exit code of rank 0.</summary>
    public const string Launched = "MINIONEREC_LAUNCHED";

    // Open MPI; MPICH and srun with PMI; srun, whose batch script itself has no step.
    private static readonly (string Rank, string Size)[] Variables =
        [("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")];

    /// <summary>Gets the place of this process.</summary>
    public static RankPlace Current { get; } = Of(Environment.GetEnvironmentVariable);

    /// <summary>Gets the file for the exit code where the tool itself started this process and it is rank 0, or
    /// <see langword="null"/>.</summary>
    public static string? ResultFile =>
        Current is { Rank: 0, Size: > 1 } && Environment.GetEnvironmentVariable(Launched) is { Length: > 0 } path ? path : null;

    /// <summary>Reads the place.</summary>
    /// <param name="variable">Gets an environment variable.</param>
    public static RankPlace Of(Func<string, string?> variable)
    {
        foreach (var (rank, size) in Variables)
        {
            if (int.TryParse(variable(size), CultureInfo.InvariantCulture, out int all) && all > 1
                && int.TryParse(variable(rank), CultureInfo.InvariantCulture, out int own) && own >= 0 && own < all)
            {
                return new RankPlace(own, all);
            }
        }

        return new RankPlace(0, 1);
    }
}
