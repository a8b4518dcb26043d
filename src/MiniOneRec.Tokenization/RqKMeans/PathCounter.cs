using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Counts the different paths of codes that items have so far, level by level.</summary>
internal sealed class PathCounter(int items)
{
    private readonly int[] _path = new int[items];

    /// <summary>Gets the number of different paths.</summary>
    public int Count { get; private set; } = 1;

    /// <summary>Adds a level.</summary>
    /// <param name="codes">The level's code of each item, <c>[N]</c> int64.</param>
    public void Add(Tensor codes)
    {
        long[] values = codes.cpu().data<long>().ToArray();
        var numbers = new Dictionary<(int Path, long Code), int>();
        for (int item = 0; item < _path.Length; item++)
        {
            var key = (_path[item], values[item]);
            if (!numbers.TryGetValue(key, out int number))
            {
                numbers.Add(key, number = numbers.Count);
            }

            _path[item] = number;
        }

        Count = numbers.Count;
    }
}
