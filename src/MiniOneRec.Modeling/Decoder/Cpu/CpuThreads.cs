using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Spreads work over as many threads as libtorch was given.</summary>
internal static class CpuThreads
{
    /// <summary>Elementary operations below which a second thread costs more than it saves.</summary>
    private const long Worthwhile = 1 << 19;

    /// <summary>Runs pieces of work that write to different places.</summary>
    /// <param name="count">The number of pieces.</param>
    /// <param name="work">Elementary operations of all pieces.</param>
    /// <param name="body">Runs one piece.</param>
    public static void Each(int count, long work, Action<int> body)
    {
        int threads = work < Worthwhile ? 1 : Math.Min(count, get_num_threads());
        if (threads > 1)
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            body(i);
        }
    }
}
