using System.Globalization;
using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Describes how well codebooks suit the items that were added since they were fitted.</summary>
/// <param name="Fitted">The number of items that the codebooks were fitted to.</param>
/// <param name="Added">The number of items added since, removed ones included.</param>
/// <param name="ErrorRatio">Mean squared reconstruction error of the added items over that of the fitted ones; NaN where nothing was
/// added.</param>
/// <param name="DisplacedShare">The share of the added items that did not get the code nearest to them; NaN where nothing was
/// added.</param>
/// <param name="Reasons">Reasons to fit the codebooks again, one sentence each; empty where there are none.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record CatalogueDrift(int Fitted, int Added, double ErrorRatio, double DisplacedShare, IReadOnlyList<string> Reasons)
{
    /// <summary>Gets whether the codebooks should be fitted again.</summary>
    public bool ArguesForRefit => Reasons.Count > 0;
}

/// <summary>Sums from which <see cref="CatalogueDrift"/> is judged; a manifest holds them.</summary>
/// <param name="Fitted">Items that the codebooks were fitted to.</param>
/// <param name="FittedError">Their mean squared reconstruction error.</param>
/// <param name="Added">Items added since.</param>
/// <param name="AddedError">The mean squared reconstruction error of these.</param>
/// <param name="Displaced">How many of these did not get the code nearest to them.</param>
internal sealed record DriftStatistics(int Fitted, double FittedError, int Added = 0, double AddedError = 0, int Displaced = 0)
{
    /// <summary>Adds items.</summary>
    public DriftStatistics With(int added, double error, int displaced) =>
        this with { Added = Added + added, AddedError = (AddedError * Added + error * added) / Math.Max(1, Added + added),
            Displaced = Displaced + displaced };

    public CatalogueDrift Judge(DriftOptions options)
    {
        double ratio = Added == 0 ? double.NaN : FittedError > 0 ? AddedError / FittedError : AddedError > 0 ? double.PositiveInfinity : 1;
        double displaced = Added == 0 ? double.NaN : (double)Displaced / Added, growth = (double)Added / Fitted;
        var reasons = new List<string>();
        void Check(bool exceeded, params FormattableString[] reason)
        {
            if (exceeded && Added >= options.MinItems)
            {
                reasons.Add(string.Concat(reason.Select(part => part.ToString(CultureInfo.InvariantCulture))));
            }
        }

        Check(ratio > options.MaxErrorRatio,
            $"The {Added} added items are reconstructed {ratio:F2} times worse than the {Fitted} fitted ones; ",
            $"the limit is {options.MaxErrorRatio}.");
        Check(displaced > options.MaxDisplacedShare,
            $"{displaced:P0} of the {Added} added items did not get the code nearest to them; ",
            $"the limit is {options.MaxDisplacedShare:P0}.");
        Check(growth > options.MaxGrowth,
            $"{Added} items were added to {Fitted} fitted ones, a share of {growth:F2}; the limit is {options.MaxGrowth}.");
        return new CatalogueDrift(Fitted, Added, ratio, displaced, reasons);
    }
}
