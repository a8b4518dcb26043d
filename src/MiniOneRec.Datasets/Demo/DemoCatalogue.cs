using System.Globalization;

namespace MiniOneRec.Datasets;

/// <summary>A synthetic shop whose customers have tastes and projects: for trying the library, for tests and for samples.</summary>
/// <remarks>
/// <para>
/// 600 items: six categories of five themes, each theme four products that are bought one after the other, each product from five brands.
/// A user prefers one brand and two categories, more so the first. The user works through a theme's products, goes on to other themes of
/// these categories, and takes something of a companion theme, something popular, or another brand in between. Nobody buys an item twice.
/// </para>
/// <para>
/// <see cref="DemoCatalogueOptions.NewItems"/> of the items are new: the shop has them only when each user comes for the last time, so
/// that a split by the last item has test rows whose target no training sequence holds. What is known of them is their text.
/// </para>
/// <para>Nothing is random but through the seed; times are invented and ascend within a user.</para>
/// </remarks>
public static class DemoCatalogue
{
    private static readonly string[] Brands = ["Alder & Finch", "Nordholm", "Kestrel Works", "Bellamy", "Ostra"];
    private static readonly string[] Characters =
    [
        "A sturdy classic", "A light and simple choice", "The one for people who care about details", "Good value for a first try",
        "Made to order in a small workshop",
    ];

    /// <summary>Generates the catalogue and its users.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public static InteractionDataset Create(DemoCatalogueOptions? options = null)
    {
        options = OptionsValidation.Validated(options ?? new DemoCatalogueOptions(), new DemoCatalogueOptionsValidator(),
            new DemoCatalogueLengthsValidator());

        var items = CreateItems();
        var shopper = new DemoShopper(new Random(options.Seed), DemoTheme.All, Brands.Length, options.NewItems);
        var sequences = new UserSequence[options.Users];
        for (int user = 0; user < sequences.Length; user++)
        {
            var (rows, times) = shopper.Shop(options.MinLength, options.MaxLength);
            sequences[user] =
                new UserSequence(string.Create(CultureInfo.InvariantCulture, $"U{user:D4}"), [.. rows.Select(row => items[row].Id)])
            {
                Timestamps = times,
            };
        }

        return new InteractionDataset { Name = "demo", Items = items, Sequences = sequences };
    }

    private static Item[] CreateItems() =>
    [
        .. from theme in DemoTheme.All
           from brand in Enumerable.Range(0, Brands.Length)
           from step in Enumerable.Range(0, theme.Steps.Length)
           select (Theme: theme, Brand: brand, Step: step) into entry
           select new Item
           {
               Id = string.Create(CultureInfo.InvariantCulture, $"{Slug(entry.Theme.Name)}-{entry.Brand + 1}{(char)('a' + entry.Step)}"),
               Title = $"{Brands[entry.Brand]} {entry.Theme.Steps[entry.Step]}",
               Description =
                   $"{entry.Theme.Steps[entry.Step]} {entry.Theme.Purpose}. "
                   + $"{Characters[entry.Brand]} from the {entry.Theme.Name.ToLowerInvariant()} "
                   + $"series by {Brands[entry.Brand]}, "
                   + $"{(entry.Step == 0 ? "the place to begin" : $"goes with the {entry.Theme.Steps[entry.Step - 1]}")}.",
               Brand = Brands[entry.Brand],
               Categories = [entry.Theme.Category, entry.Theme.Name],
           },
    ];

    private static string Slug(string name) => name.ToLowerInvariant();
}
