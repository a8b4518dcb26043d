namespace MiniOneRec.Alignment;

/// <summary>Packs samples into passes of bounded size.</summary>
internal static class BestFit
{
    /// <summary>Best-fit decreasing: each length goes to the fullest bin that has room for it.</summary>
    /// <param name="lengths">The lengths.</param>
    /// <param name="capacity">The size of a bin; a longer length gets a bin of its own.</param>
    /// <returns>Positions in <paramref name="lengths"/> by bin, longest first.</returns>
    public static List<List<int>> Pack(IReadOnlyList<int> lengths, int capacity)
    {
        var bins = new List<List<int>>();
        var room = new SortedSet<(int Room, int Bin)>();
        foreach (int i in Enumerable.Range(0, lengths.Count).OrderByDescending(i => lengths[i]).ThenBy(i => i))
        {
            var fits = room.GetViewBetween((Math.Min(lengths[i], capacity + 1), 0), (int.MaxValue, int.MaxValue));
            int bin, left;
            if (fits.Count == 0)
            {
                (bin, left) = (bins.Count, capacity);
                bins.Add([]);
            }
            else
            {
                (left, bin) = fits.Min;
                room.Remove((left, bin));
            }

            bins[bin].Add(i);
            room.Add((Math.Max(0, left - lengths[i]), bin));
        }

        return bins;
    }
}
