using TorchSharp.Modules;

namespace MiniOneRec.Training;

/// <summary>Which parameters are decayed, and which learn at a rate of their own.</summary>
/// <param name="Groups">Parameters with their decay.</param>
/// <param name="Rates">The learning rate of each group, as a share of the common one.</param>
internal sealed record UpdateGroups(IReadOnlyList<(IReadOnlyList<Parameter> Parameters, double WeightDecay)> Groups,
    IReadOnlyList<double> Rates)
{
    /// <summary>Divides parameters into groups.</summary>
    /// <param name="parameters">The trained parameters.</param>
    /// <param name="options">The decay.</param>
    /// <param name="slow">Parameters that have a learning rate of their own and no decay.</param>
    public static UpdateGroups Of(IReadOnlyList<Parameter> parameters, UpdateOptions options, IReadOnlyDictionary<Parameter, double>? slow)
    {
        Parameter[] common = [.. parameters.Where(p => slow?.ContainsKey(p) != true)];
        var groups = new List<(IReadOnlyList<Parameter>, double)>();
        var rates = new List<double> { 1, 1 };
        if (options.DecaysVectors)
        {
            groups.AddRange([(common, options.WeightDecay), ([], 0)]);
        }
        else
        {
            groups.AddRange([([.. common.Where(p => p.dim() > 1)], options.WeightDecay), ([.. common.Where(p => p.dim() <= 1)], 0)]);
        }

        foreach (var group in parameters.Where(p => slow?.ContainsKey(p) == true).GroupBy(p => slow![p]))
        {
            groups.Add(([.. group], 0));
            rates.Add(group.Key);
        }

        return new UpdateGroups(groups, rates);
    }
}
