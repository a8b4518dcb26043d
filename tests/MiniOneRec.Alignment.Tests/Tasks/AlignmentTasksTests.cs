using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.Alignment.Tests.Tasks;

public sealed class AlignmentTasksTests
{
    private static readonly UserPreference[] Preferences = [new("u", ["a"], "b", "Likes tools.")];

    [Fact]
    public void Paper_WithPreferences_HasAllTasksAndEachNameOnce()
    {
        string[] tasks = [.. AlignmentTasks.Paper("books", Preferences).Select(task => task.Name)];

        Assert.Equal(["next-sid", "title-to-sid", "sid-to-title", "next-title", "titles-to-title", "titles-to-sid", "preference-and-sid",
            "preference-to-sid"], tasks);
    }

    [Fact]
    public void Paper_WithoutPreferences_LeavesTheirTasksOut()
    {
        Assert.Equal(6, AlignmentTasks.Paper().Count);
        Assert.Equal(6, AlignmentTasks.Paper(preferences: []).Count);
    }

    [Fact]
    public void Paper_Arguments_ReachTheTasks()
    {
        var tasks = AlignmentTasks.Paper("books", mode: NextItemMode.Sequence, maxHistory: 3);

        var next = tasks.OfType<NextItemTask>().Single();
        Assert.Equal((NextItemMode.Sequence, 3, 4), (next.Mode, next.MaxHistory, next.MaxItems));
        Assert.Equal(("books", 3),
            (tasks.OfType<TitlesToSidTask>().Single().Category, tasks.OfType<TitlesToSidTask>().Single().MaxHistory));
        Assert.Equal("books", tasks.OfType<TitlesToTitleTask>().Single().Category);
        Assert.Equal(3, tasks.OfType<NextTitleTask>().Single().MaxHistory);
    }

    [Fact]
    public void Paper_ShortHistory_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => AlignmentTasks.Paper(maxHistory: 0));

    [Fact]
    public void AddPaperTasks_RegistersThem()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddPaperTasks("books", Preferences).AddAlignment();
        using var provider = services.BuildServiceProvider();

        Assert.Equal(8, provider.GetServices<IAlignmentTask>().Count());
        Assert.NotNull(provider.GetRequiredService<SftTrainer>());
    }
}
