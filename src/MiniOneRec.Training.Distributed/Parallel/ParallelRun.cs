using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>The part of one process in a run of several: its share of the data, what all decide together, and what the first alone
/// does.</summary>
internal sealed class ParallelRun(IProcessGroup group, Sharding sharding)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Gets the processes.</summary>
    public IProcessGroup Group => group;

    /// <summary>Gets what is divided.</summary>
    public Sharding Sharding => group.Size == 1 ? Sharding.None : sharding;

    /// <summary>Gets whether there are no other processes.</summary>
    public bool IsAlone => group.Size == 1;

    /// <summary>Gets whether this process logs and writes.</summary>
    public bool IsFirst => group.Rank == 0;

    /// <summary>Gets whether gradients are exchanged while the backward pass goes on; results do not depend on it.</summary>
    public bool Overlaps { get; init; } = true;

    /// <summary>Gets or sets what tells whether the last gradient of this process was finite before the exchange.</summary>
    public Func<bool> GradientIsFinite { get; set; } = () => true;

    /// <summary>Makes the part of a process.</summary>
    /// <param name="group">The processes, or <see langword="null"/> for one.</param>
    /// <param name="sharding">What is divided.</param>
    public static ParallelRun Of(IProcessGroup? group, Sharding sharding) => new(group ?? new SingleProcess(), sharding);

    /// <summary>Divides a batch so that all processes have about equal work.</summary>
    /// <param name="costs">The work of each member.</param>
    /// <returns>The positions of the members of each rank, in order. Some have none where the batch is small.</returns>
    public int[][] Shares(IReadOnlyList<int> costs)
    {
        if (IsAlone)
        {
            return [[.. Enumerable.Range(0, costs.Count)]];
        }

        // The longest first, each to the rank that has the least so far.
        var shares = Enumerable.Range(0, group.Size).Select(_ => new List<int>()).ToArray();
        long[] load = new long[group.Size];
        foreach (int member in Enumerable.Range(0, costs.Count).OrderByDescending(i => costs[i]).ThenBy(i => i))
        {
            int rank = Array.IndexOf(load, load.Min());
            shares[rank].Add(member);
            load[rank] += costs[member];
        }

        return [.. shares.Select(share => share.Order().ToArray())];
    }

    /// <summary>Takes this process's part of rows: every <c>size</c>-th.</summary>
    public T[] Part<T>(IReadOnlyList<T> rows) => IsAlone ? [.. rows] : [.. rows.Where((_, i) => i % group.Size == group.Rank)];

    /// <summary>Sums a number over the processes.</summary>
    public double Sum(double own)
    {
        double[] sum = [own];
        group.Sum(sum);
        return sum[0];
    }

    /// <summary>Makes the generator of a step, of its own in every process; the first has that of a single process.</summary>
    public Random Generator(int seed, long step) =>
        SeedStream.Generator(seed, IsFirst ? step : SeedStream.Mix(step, group.Rank));

    /// <summary>Derives a seed of this process from one that all have; the first keeps it.</summary>
    public long SeedOf(long seed) => IsFirst ? seed : SeedStream.Mix(seed, group.Rank);

    /// <summary>Gathers the items of all processes in the order of the ranks.</summary>
    public T[] Gather<T>(T[] own) => IsAlone ? own
        : [.. group.Gather(JsonSerializer.SerializeToUtf8Bytes(own, Json))
            .SelectMany(bytes => JsonSerializer.Deserialize<T[]>(bytes, Json)!)];

    /// <summary>Finds the ranks of the processes for which something holds.</summary>
    public int[] RanksWhere(bool here)
    {
        byte[] all = group.GatherEqual<byte>([here ? (byte)1 : (byte)0]);
        return [.. Enumerable.Range(0, all.Length).Where(rank => all[rank] != 0)];
    }

    /// <summary>Names the processes whose loss or gradient is not finite, for a message; empty for a single process.</summary>
    /// <param name="loss">This process's loss.</param>
    public string NameCulprits(double loss)
    {
        if (IsAlone)
        {
            return "";
        }

        int[] ranks = RanksWhere(!double.IsFinite(loss) || !GradientIsFinite());
        return ranks.Length == 0 ? " in the sum over all ranks" : $" on rank {string.Join(", ", ranks)}";
    }

    /// <summary>Finds the first process that has something to complain of.</summary>
    /// <param name="complaint">What is wrong here, or <see langword="null"/>.</param>
    /// <returns>What is wrong, with the rank where there are several processes.</returns>
    public string? FirstComplaint(string? complaint)
    {
        if (IsAlone)
        {
            return complaint;
        }

        string?[] all = Gather<string?>([complaint]);
        int rank = Array.FindIndex(all, text => text is not null);
        return rank < 0 ? null : $"{all[rank]} on rank {rank}";
    }

    /// <summary>Does something on the first process alone and tells the others its result.</summary>
    /// <exception cref="ProcessGroupException">It failed on the first process; there the error itself is thrown.</exception>
    public T? OnFirst<T>(Func<T> work)
    {
        if (IsAlone)
        {
            return work();
        }

        T? result = default;
        Exception? error = null;
        byte[] told = [];
        if (IsFirst)
        {
            try
            {
                result = work();
                told = [1, .. JsonSerializer.SerializeToUtf8Bytes(result, Json)];
            }
#pragma warning disable CA1031 // Thrown again below, when the others know.
            catch (Exception e)
#pragma warning restore CA1031
            {
                error = e;
                told = [0, .. JsonSerializer.SerializeToUtf8Bytes(e.Message, Json)];
            }
        }

        told = group.Gather(told)[0];
        if (error is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(FirstProcess.Shared(error));
        }

        return told[0] == 0
            ? throw FirstProcess.Shared(new ProcessGroupException(
                $"Rank 0 failed: {JsonSerializer.Deserialize<string>(told.AsSpan(1), Json)}") { FailedRank = 0 })
            : IsFirst ? result : JsonSerializer.Deserialize<T>(told.AsSpan(1), Json);
    }

    /// <summary>Does something on the first process alone while the others wait.</summary>
    /// <inheritdoc cref="OnFirst{T}" path="/exception"/>
    public void OnFirst(Action work) => OnFirst(() =>
    {
        work();
        return true;
    });

    /// <summary>Copies the first process's tensors to all others.</summary>
    public void Broadcast(IEnumerable<Tensor> tensors)
    {
        if (IsAlone)
        {
            return;
        }

        using var noGrad = no_grad();
        foreach (var tensor in tensors)
        {
            using var scope = NewDisposeScope();
            var values = tensor.detach().contiguous();
            group.Broadcast(values, 0).Wait();
            if (!tensor.is_contiguous())
            {
                tensor.copy_(values);
            }
        }
    }

    /// <summary>Checks that all processes do the same.</summary>
    /// <param name="facts">What must be equal, by name.</param>
    /// <exception cref="ProcessGroupException">A process differs; every process throws the message, which names rank, key and
    /// values.</exception>
    public void RequireEqual(IReadOnlyDictionary<string, string> facts)
    {
        if (IsAlone)
        {
            return;
        }

        var all = Gather<IReadOnlyDictionary<string, string>>([facts]);
        var differences = new List<string>();
        foreach (string key in all.SelectMany(of => of.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            string first = all[0].GetValueOrDefault(key, "none");
            for (int rank = 1; rank < all.Length; rank++)
            {
                if (all[rank].GetValueOrDefault(key, "none") is var other && other != first)
                {
                    differences.Add($"{key} is {other} on rank {rank} and {first} on rank 0");
                }
            }
        }

        if (differences.Count > 0)
        {
            throw new ProcessGroupException($"The processes are not of one run: {string.Join("; ", differences)}.");
        }
    }

    /// <summary>Makes what moves the weights.</summary>
    /// <param name="parameters">The trained parameters, in the same order everywhere; not owned.</param>
    /// <param name="options">Decay and clipping.</param>
    /// <param name="exchange">The caller's exchange of gradients, or <see langword="null"/>.</param>
    /// <param name="slow">Parameters among them that have a learning rate of their own, and no decay.</param>
    /// <param name="exact">Gives the float32 values of the parameters where these have another type and the copies are divided.</param>
    /// <param name="blocks">The block of each parameter, or <see langword="null"/> for one.</param>
    public IWeightUpdate MakeUpdate(
        IEnumerable<Parameter> parameters, UpdateOptions options, IGradientExchange? exchange = null,
        IReadOnlyDictionary<Parameter, double>? slow = null, Func<int, Tensor>? exact = null,
        IReadOnlyList<int>? blocks = null)
    {
        if (!IsAlone && exchange is not null)
        {
            throw new InvalidOperationException("ProcessGroup exchanges the gradients itself: leave GradientExchange out.");
        }

        Parameter[] all = [.. parameters];
        return IsAlone ? new GradientUpdate(all, options, exchange, slow)
            : Sharding == Sharding.None ? new GradientUpdate(all, options, new GradientBuckets(this, all, blocks), slow)
            : new ShardedUpdate(all, options, this, slow, exact: exact, blocks: blocks);
    }

    /// <summary>Runs training; after an error that the other processes do not share the group is given up.</summary>
    /// <param name="group">The processes, or <see langword="null"/> for one.</param>
    /// <param name="sharding">What is divided.</param>
    /// <param name="work">The training.</param>
    /// <param name="overlaps">Whether gradients are exchanged while the backward pass goes on.</param>
    public static T Guarded<T>(IProcessGroup? group, Sharding sharding, Func<ParallelRun, T> work, bool overlaps = true)
    {
        var parallel = new ParallelRun(group ?? new SingleProcess(), sharding) { Overlaps = overlaps };
        try
        {
            return work(parallel);
        }
        catch (Exception e) when (!FirstProcess.IsShared(e))
        {
            parallel.Group.Abandon(e.Message);
            throw;
        }
    }
}
